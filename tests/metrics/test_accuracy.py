from __future__ import annotations

import json

import pytest

from tfx_rollout.evidence.feedback import append_feedback
from tfx_rollout.evidence.prediction_log import prediction_folder
from tfx_rollout.metrics.accuracy import MOST_ROWS, SETTLE_S, Answered, LabelJoin
from tfx_rollout.metrics.cell import Key
from tfx_rollout.traffic import Track

T0 = 1_795_000_000.0
STABLE = Key("taxi", Track.STABLE, 1, "grpc")


@pytest.fixture
def give(store):
    """Gives feedback at a time."""
    return lambda at, *rows, model="taxi": append_feedback(store.model(model), rows, now=lambda: at)


@pytest.fixture
def predict(store):
    """Logs a prediction as a model server does."""
    folder = prediction_folder(store)
    folder.mkdir(parents=True)

    def predict(request_id, prediction, *, version=1, model="taxi", at=T0):
        line = {"id": request_id, "at": at, "model": model, "version": version, "prediction": [prediction]}
        with (folder / "1-1-0001.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")

    return predict


def known(traffic, until=T0 + 3600):
    """Labelled and correct predictions of each track and version."""
    found = traffic.query("taxi", T0 - 3600, until, 60).series
    return {(s.track, s.version): (s.totals.labelled, s.totals.correct) for s in found}


def settle(log, read_all, traffic, at):
    log.heartbeat(at + SETTLE_S)
    return read_all(traffic)


def test_labels_count_where_their_request_was_counted(log, reader, read_all, give):
    log.request(T0, request_id="a")
    log.request(T0 + 61, request_id="b")
    log.request(T0 + 62, request_id="c", track="canary", version=2)
    traffic = reader()
    give(T0 + 70, {"request_id": "a", "correct": True}, {"request_id": "b", "correct": False})
    give(T0 + 71, {"request_id": "c", "correct": True}, {"request_id": "unheard-of", "correct": True})
    settle(log, read_all, traffic, T0 + 71)
    assert known(traffic) == {(Track.STABLE, 1): (2, 1), (Track.CANARY, 2): (1, 1)}
    (stable,) = [series for series in traffic.query("taxi", T0, T0 + 120, 60).series if series.track is Track.STABLE]
    assert [point.accuracy for point in stable.points if point.labelled] == [1, 0]


def test_feedback_that_is_faster_than_the_log_waits_for_it(log, reader, read_all, give):
    traffic = read_all(reader())
    give(T0 + 1, {"request_id": "a", "correct": True})
    read_all(traffic)
    log.request(T0 + 1, request_id="a")
    read_all(traffic)
    assert known(traffic) == {(Track.STABLE, 1): (0, 0)}
    settle(log, read_all, traffic, T0 + 1)
    assert known(traffic) == {(Track.STABLE, 1): (1, 1)}


def test_a_bare_label_needs_the_logged_prediction_of_the_version_that_answered(log, reader, read_all, give, predict):
    for request_id in ("a", "b", "c"):
        log.request(T0, request_id=request_id)
    predict("a", "1")
    predict("a", "0", version=2)
    predict("b", "0")
    predict("c", "1", model="tips")
    traffic = reader()
    give(T0 + 9, *({"request_id": request_id, "label": 1} for request_id in ("a", "b", "c")))
    settle(log, read_all, traffic, T0 + 9)
    assert known(traffic) == {(Track.STABLE, 1): (2, 1)}


def test_a_copy_is_judged_by_its_own_prediction_and_never_by_the_answers(log, reader, read_all, give, predict):
    for request_id in ("a", "b"):
        log.request(T0, request_id=request_id)
        log.request(T0, request_id=request_id, track="shadow", version=2)
        predict(request_id, "1", version=1)
        predict(request_id, "0", version=2)
    traffic = reader()
    give(T0 + 9, {"request_id": "a", "label": 1}, {"request_id": "b", "correct": True})
    settle(log, read_all, traffic, T0 + 9)
    assert known(traffic) == {(Track.STABLE, 1): (2, 2), (Track.SHADOW, 2): (1, 0)}


def test_failed_requests_predicted_nothing(log, reader, read_all, give):
    log.request(T0, request_id="a", code=13)
    traffic = reader()
    give(T0 + 9, {"request_id": "a", "correct": True})
    settle(log, read_all, traffic, T0 + 9)
    assert known(traffic) == {(Track.STABLE, 1): (0, 0)}


def test_a_reader_that_starts_anew_joins_the_same_labels(log, reader, read_all, give):
    for number in range(50):
        log.request(T0 + number, request_id=f"r{number}")
    give(T0 + 60, *({"request_id": f"r{number}", "correct": number % 3 > 0} for number in range(50)))
    first, second = (settle(log, read_all, reader(), T0 + 60) for _ in range(2))
    assert known(first) == known(second) == {(Track.STABLE, 1): (50, 33)}


def test_counters_have_what_came_since_the_start_of_each_model(log, reader, read_all, give, store):
    store.model("tips").create()
    log.request(T0 - 10, request_id="a")
    log.request(T0 - 10, request_id="b")
    give(T0 - 5, {"request_id": "a", "correct": True})
    traffic = reader()
    give(T0 + 5, {"request_id": "b", "correct": False}, {"request_id": "x", "correct": True})
    settle(log, read_all, traffic, T0 + 5)
    requests, rows = traffic.counters()
    assert rows == {"taxi": 2, "tips": 0}
    assert requests[STABLE].judged == {True: 0, False: 1}
    assert known(traffic) == {(Track.STABLE, 1): (2, 1)}


def test_an_id_of_another_model_is_not_taken_for_ours(log, reader, read_all, give, store):
    store.model("tips").create()
    log.request(T0, request_id="a", model="tips")
    traffic = reader()
    give(T0 + 9, {"request_id": "a", "correct": True})
    settle(log, read_all, traffic, T0 + 9)
    assert known(traffic) == {}
    assert traffic.query("tips", T0 - 60, T0 + 60).totals.labelled == 0


def test_many_rows_are_read_and_judged_in_bounded_steps(store, give):
    join = LabelJoin(store, since=T0)
    rows = 2 * MOST_ROWS + 5
    for number in range(rows):
        join.answered(f"r{number}", Answered(T0, STABLE))
    give(T0, *({"request_id": f"r{number}", "correct": True} for number in range(rows)))
    sizes = []
    more = True
    while more:
        arrived, more = join.read(["taxi"])
        assert len(arrived["taxi"]) <= MOST_ROWS
        sizes.append(sum(1 for _ in join.judge(T0 + 60)))
    assert sum(sizes) == rows
    assert max(sizes) <= MOST_ROWS


def test_damaged_feedback_is_logged_and_the_rest_goes_on(log, reader, read_all, give, store, caplog):
    log.request(T0, request_id="a")
    folder = store.model("taxi").control / "feedback"
    folder.mkdir()
    (folder / "0000000000001.jsonl").write_text('{"nothing": 1}\n')
    traffic = read_all(reader())
    assert "some feedback is missing in the metrics" in caplog.text
    with (folder / "0000000000001.jsonl").open("a") as part:
        part.write(json.dumps({"id": "a", "at": T0 + 1, "correct": True}) + "\n")
    settle(log, read_all, traffic, T0 + 1)
    assert known(traffic) == {(Track.STABLE, 1): (1, 1)}
