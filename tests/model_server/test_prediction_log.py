from __future__ import annotations

import json
import time

import numpy as np
import pytest

from tfx_rollout.model_server import prediction_log
from tfx_rollout.model_server.prediction_files import PredictionFiles
from tfx_rollout.model_server.prediction_log import LOG_VARIABLE, OUTPUT_VARIABLE, PredictionLog

SCORES = {"y": np.array([[0.1, 0.9]], np.float32)}


def lines(folder):
    return [json.loads(line) for part in sorted(folder.glob("*.jsonl")) for line in part.read_text().splitlines()]


def test_it_is_off_unless_the_environment_names_a_folder(tmp_path):
    assert PredictionLog.from_environment({}) is None
    log = PredictionLog.from_environment({LOG_VARIABLE: str(tmp_path / "p"), OUTPUT_VARIABLE: "b"})
    log.add("x", "m", 1, {"a": np.array([1.0]), "b": np.array([2.0])})
    log.close()
    assert lines(tmp_path / "p")[0]["prediction"] == [2.0]


def test_a_line_tells_id_time_model_version_and_prediction(tmp_path):
    log = PredictionLog(PredictionFiles(tmp_path))
    before = time.time()
    log.add("id-1", "taxi", 7, SCORES)
    log.close()
    (line,) = lines(tmp_path)
    assert before - 1e-6 <= line.pop("at") <= time.time()
    assert line == {"id": "id-1", "model": "taxi", "version": 7, "prediction": ["1"]}


@pytest.mark.parametrize("identity", [None, "", "two words", 'a"b', "x" * 129])
def test_a_call_without_a_proper_id_is_not_logged(tmp_path, identity):
    log = PredictionLog(PredictionFiles(tmp_path))
    log.add(identity, "taxi", 7, SCORES)
    log.close()
    assert lines(tmp_path) == []


def test_an_answer_that_tells_no_prediction_is_told_of_once_a_model(tmp_path, caplog):
    log = PredictionLog(PredictionFiles(tmp_path))
    for _ in range(3):
        log.add("a", "taxi", 7, {"a": np.zeros(1), "b": np.zeros(1)})
    log.close()
    assert [record.message for record in caplog.records] == [
        "The answers of model taxi are not logged: none of the outputs a, b tells a prediction; "
        "name one by TFX_ROLLOUT_PREDICTION_OUTPUT."
    ]


class StuckFiles:
    """A disk that refuses."""

    def append(self, data):
        raise OSError("no space left")

    def close(self):
        pass


def test_what_the_disk_refuses_is_dropped_counted_and_told(caplog):
    log = PredictionLog(StuckFiles())
    for _ in range(5):
        log.add("a", "taxi", 7, SCORES)
    log.close()
    assert log.dropped == 5
    assert [record.message for record in caplog.records] == [
        "The prediction log cannot be written: no space left; 5 predictions are missing from it so far."
    ]


def test_a_writer_that_falls_behind_costs_lines_and_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(prediction_log, "WRITE_EVERY_S", 3600.0)
    monkeypatch.setattr(prediction_log, "WAITING_LINES", 10)
    log = PredictionLog(PredictionFiles(tmp_path))
    for _ in range(25):
        log.add("a", "taxi", 7, SCORES)
    assert log.dropped == 15
    log.close()
    assert len(lines(tmp_path)) == 10


def test_parts_are_bounded_and_the_oldest_go(tmp_path):
    files = PredictionFiles(tmp_path, part_bytes=1000, folder_bytes=5000)
    for number in range(200):
        files.append(json.dumps({"n": number, "pad": "x" * 80}).encode() + b"\n")
    files.close()
    assert sum(part.stat().st_size for part in tmp_path.glob("*.jsonl")) <= 5000
    kept = [line["n"] for line in lines(tmp_path)]
    assert kept == list(range(kept[0], 200))
    assert len(kept) > 30


def test_a_part_that_another_server_removed_is_left(tmp_path):
    files = PredictionFiles(tmp_path)
    files.append(b"{}\n")
    next(tmp_path.glob("*.jsonl")).unlink()
    files.append(b'{"n":1}\n')
    files.close()
    assert lines(tmp_path) == [{"n": 1}]


def test_servers_that_share_a_folder_do_not_share_files(tmp_path, monkeypatch):
    for pid in (1, 2):
        monkeypatch.setattr("os.getpid", lambda pid=pid: pid)
        files = PredictionFiles(tmp_path)
        files.append(b"{}\n")
        files.close()
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
