from __future__ import annotations

from pathlib import Path

from tfx_rollout.model_server import prediction_log as server
from tfx_rollout.serving import prediction_log


def test_the_variables_are_those_that_the_embedded_server_reads(tmp_path, monkeypatch):
    assert (prediction_log.LOG_VARIABLE, prediction_log.OUTPUT_VARIABLE) == (server.LOG_VARIABLE, server.OUTPUT_VARIABLE)
    monkeypatch.chdir(tmp_path)
    assert prediction_log.prediction_log_environment(Path("log")) == {server.LOG_VARIABLE: str(tmp_path / "log")}
    assert prediction_log.prediction_log_environment(tmp_path, "scores") == {
        server.LOG_VARIABLE: str(tmp_path),
        server.OUTPUT_VARIABLE: "scores",
    }
