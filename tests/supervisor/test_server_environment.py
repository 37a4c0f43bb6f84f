from __future__ import annotations

import pytest

from tfx_rollout.evidence.prediction_log import prediction_folder
from tfx_rollout.model_store import ModelStore
from tfx_rollout.serving.prediction_log import LOG_VARIABLE, OUTPUT_VARIABLE
from tfx_rollout.supervisor.server_environment import server_environment


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path)


def test_servers_log_predictions_where_the_root_asks_for_it(store):
    assert server_environment(store, "taxi") == {}
    (store.root / "evidence.yaml").write_text("predictions: {taxi: {output: tip}, cab: {}}\n")
    folder = str(prediction_folder(store))
    assert server_environment(store, "taxi") == {LOG_VARIABLE: folder, OUTPUT_VARIABLE: "tip"}
    assert server_environment(store, "cab") == {LOG_VARIABLE: folder}
    assert server_environment(store, "bus") == {}


def test_a_faulty_file_is_told_and_the_server_starts_without_the_log(store, caplog):
    (store.root / "evidence.yaml").write_text("predictions: {taxi: {outputs: tip}}\n")
    assert server_environment(store, "taxi") == {}
    assert "predictions of taxi are not logged" in caplog.text
    assert "predictions.taxi.outputs" in caplog.text
