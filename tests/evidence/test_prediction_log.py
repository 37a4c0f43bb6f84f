from __future__ import annotations

import pytest

from tfx_rollout.evidence import line_tail
from tfx_rollout.evidence import prediction_log as module
from tfx_rollout.evidence.access_log import AccessLogSource
from tfx_rollout.evidence.prediction_log import PredictionLog, prediction_text
from tfx_rollout.evidence.request_records import KeptRequest, identity, microseconds
from tfx_rollout.traffic import Track

T0 = 1_795_000_000.0
STABLE, CANARY, SHADOW = Track.STABLE, Track.CANARY, Track.SHADOW


def request(request_id, track=CANARY, start=T0):
    return KeptRequest(track, microseconds(start), "OK", 1.0, identity(request_id))


@pytest.fixture
def predictions(predict):
    return PredictionLog(predict.folder, model="taxi", candidate=2, since=T0)


def read(predictions, *requests):
    predictions.read()
    return predictions.of(requests)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("3", "3"),
        (3, "3"),
        (0.12345, "0.123"),
        (1.0, "1"),
        (True, "1"),
        ("False", "0"),
        (["cat", "dog"], "cat"),
        ([], None),
        (None, None),
        ({}, None),
    ],
)
def test_a_prediction_is_a_class_or_a_number_of_three_digits(value, text):
    assert prediction_text(value) == text


def test_a_prediction_is_found_by_the_id_of_its_request(predict, predictions):
    predict("a", ["1"], at=T0 + 0.1)
    predict("b", 0.51234, at=T0 + 0.2)
    assert read(predictions, request("b"), request("a"), request("c")) == ["0.512", "1", None]


def test_original_and_copy_have_one_id_and_each_its_own_prediction(predict, predictions):
    predict("a", "cat", at=T0, version=1, file="1-1-0001")
    predict("a", "dog", at=T0, version=2, file="1-2-0001")
    assert read(predictions, request("a", STABLE), request("a", SHADOW)) == ["cat", "dog"]


def test_a_late_line_and_a_new_part_are_read_on(predict, predictions):
    assert read(predictions, request("a")) == [None]
    predict("a", "1", at=T0)
    assert read(predictions, request("a"), request("b")) == ["1", None]
    predict("b", "2", at=T0, file="1-1-0002")
    predict("c", "3", at=T0)
    assert read(predictions, request("a"), request("b"), request("c")) == ["1", "2", "3"]


def test_a_torn_line_is_read_when_it_is_whole_and_nonsense_is_passed_over(predict, predictions):
    predict("a", "1", at=T0)
    part = predict.folder / "1-1-0001.jsonl"
    line = part.read_bytes()
    part.write_bytes(b"nonsense\n[1]\n" + line[:30])
    assert read(predictions, request("a")) == [None]
    with part.open("ab") as file:
        file.write(line[30:])
    assert read(predictions, request("a")) == ["1"]


def test_other_models_and_times_far_from_the_request_are_no_prediction(predict, predictions):
    predict("a", "1", at=T0, model="cab")
    predict("b", "1", at=T0 + 3600)
    assert read(predictions, request("a"), request("b")) == [None, None]


def test_of_two_predictions_for_an_id_the_first_counts(predict, predictions):
    for at, prediction in ((T0 + 70, "4"), (T0 + 1, "1"), (T0 + 2, "2")):
        predict("a", prediction, at=at)
    predict("a", "3", at=T0 + 1)
    assert read(predictions, request("a", start=T0 + 30)) == ["1"]


def test_what_is_forgotten_takes_no_memory(predict, predictions):
    predict("a", "1", at=T0)
    predict("b", "1", at=T0 + 600)
    predictions.read()
    predictions.forget(T0 + 500)
    assert read(predictions, request("a"), request("b", start=T0 + 600)) == [None, "1"]
    predict("c", "1", at=T0)
    assert read(predictions, request("c")) == [None]


def test_too_many_different_predictions_are_taken_together(predict, predictions, monkeypatch):
    monkeypatch.setattr(module, "MOST_TEXTS", 2)
    for name in "abcd":
        predict(name, name, at=T0)
    assert read(predictions, *map(request, "abcd")) == ["a", "b", "other", "other"]


def test_a_long_log_is_read_in_pieces(predict, predictions, monkeypatch):
    monkeypatch.setattr(line_tail, "READ_BYTES", 200)
    for number in range(20):
        predict(f"r{number}", "1", at=T0)
    wanted = [request(f"r{number}") for number in range(20)]
    assert read(predictions, *wanted).count("1") < 20
    for _ in range(20):
        predictions.read()
    assert predictions.of(wanted).count("1") == 20


def test_predictions_are_counted_with_the_window_by_track(log, predict):
    log.heartbeat(T0)
    for number in range(6):
        track = ("stable", "canary", "shadow")[number % 3]
        log.request(T0 + 1 + number, track=track, request_id=f"r{number}")
        predict(f"r{number}", ["7"] if number < 4 else ["8"], at=T0 + 1.01 + number, version=1 if track == "stable" else 2)
    log.request(T0 + 8, request_id="unpredicted")
    log.heartbeat(T0 + 20)
    predictions = PredictionLog(predict.folder, model="taxi", candidate=2, since=T0)
    source = AccessLogSource(log.folder, waiting_s=2, since=T0, model="taxi", predictions=predictions)
    tracks = source.counts("taxi", T0, T0 + 10).tracks
    assert {track: counts.predictions for track, counts in tracks.items()} == {
        STABLE: {"7": 2},
        CANARY: {"7": 1, "8": 1},
        SHADOW: {"7": 1, "8": 1},
    }


def test_of_a_users_predictions_the_first_in_the_stage_counts(log, predict):
    log.heartbeat(T0)
    for number in range(6):
        log.request(T0 + 1 + number, request_id=f"r{number}", unit="a")
        predict(f"r{number}", ["7"], at=T0 + 1 + number)
    log.heartbeat(T0 + 20)
    predictions = PredictionLog(predict.folder, model="taxi", candidate=2, since=T0)
    source = AccessLogSource(log.folder, waiting_s=2, since=T0, model="taxi", unit="user", predictions=predictions)
    source.set_stages([T0, T0 + 3])
    assert source.counts("taxi", T0, T0 + 3).tracks[CANARY].predictions == {"7": 1}
    assert source.counts("taxi", T0 + 3, T0 + 10).tracks[CANARY].predictions == {}
