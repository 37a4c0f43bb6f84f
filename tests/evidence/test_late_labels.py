from __future__ import annotations

import itertools
import math
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.evidence import PairCounts
from tfx_rollout.evidence.access_log import AccessLogSource
from tfx_rollout.evidence.feedback import Feedback, append_feedback
from tfx_rollout.evidence.label_records import LabelRecords
from tfx_rollout.evidence.label_strata import PastWindow, collect, due
from tfx_rollout.evidence.late_labels import FeedbackLabels
from tfx_rollout.evidence.prediction_log import PredictionLog
from tfx_rollout.evidence.request_records import identity
from tfx_rollout.model_store import ModelStore
from tfx_rollout.traffic import Track

T0 = 1_795_000_000.0
STABLE, CANARY, SHADOW = Track.STABLE, Track.CANARY, Track.SHADOW
FOREVER = {"from_age": -math.inf, "to_age": 3600.0}


@pytest.fixture
def base(tmp_path):
    return ModelStore(tmp_path / "root").model("taxi")


@pytest.fixture
def labels(log, predict, base):
    """A new label source over all that was logged and told so far, at a time long after."""

    def labels(*, and_requests=False, **settings):
        predictions = PredictionLog(predict.folder, model="taxi", candidate=2, since=T0)
        requests = AccessLogSource(log.folder, waiting_s=2, model="taxi", since=T0, predictions=predictions, **settings)
        requests.horizon()
        source = FeedbackLabels(base, requests, predictions, now=lambda: T0 + 10_000)
        source.horizon()
        return (source, requests) if and_requests else source

    return labels


def tell(base, *rows, at):
    append_feedback(base, rows, now=lambda: at)


def right(request_id, correct=True):
    return {"request_id": request_id, "correct": correct}


def some_requests(log, *names, track="canary", start=1.0, **fields):
    for number, name in enumerate(names):
        log.request(T0 + start + number / 10, track=track, request_id=name, **fields)


def test_wrong_and_right_are_counted_by_track_and_age(log, base, labels):
    log.heartbeat(T0)
    some_requests(log, "a", "b")
    some_requests(log, "c", track="stable")
    log.heartbeat(T0 + 20)
    tell(base, right("a", False), right("never-sent"), at=T0 + 5)
    tell(base, right("b"), right("c", False), at=T0 + 100)
    source = labels()
    early = source.counts("taxi", T0, T0 + 10, from_age=-math.inf, to_age=60)
    assert (early.wrong, early.labelled) == ({CANARY: 1}, {CANARY: 1})
    late = source.counts("taxi", T0, T0 + 10, from_age=60, to_age=300)
    assert (late.wrong, late.labelled) == ({CANARY: 0, STABLE: 1}, {CANARY: 1, STABLE: 1})
    assert source.counts("taxi", T0, T0 + 10, from_age=300, to_age=900).labelled == {}
    assert source.predicted("taxi", T0, T0 + 10) == {CANARY: 2, STABLE: 1}


def test_a_label_alone_is_compared_with_what_the_server_logged(log, base, labels, predict):
    log.heartbeat(T0)
    some_requests(log, "a", "b", "c", "d")
    log.heartbeat(T0 + 20)
    predict("a", ["1"], at=T0 + 1)
    predict("b", ["0"], at=T0 + 1)
    predict("c", 0.9, at=T0 + 1)
    tell(base, *({"request_id": name, "label": 1} for name in "abcd"), at=T0 + 30)
    tally = labels().counts("taxi", T0, T0 + 10, **FOREVER)
    assert (tally.wrong, tally.labelled) == ({CANARY: 1}, {CANARY: 3})


def test_requests_that_failed_have_no_prediction_to_be_right_or_wrong(log, base, labels):
    log.heartbeat(T0)
    some_requests(log, "a", code=13)
    log.heartbeat(T0 + 20)
    tell(base, right("a"), at=T0 + 30)
    assert labels().counts("taxi", T0, T0 + 10, **FOREVER).labelled == {}


def test_an_id_that_a_client_used_again_counts_once_a_window(log, base, labels):
    log.heartbeat(T0)
    some_requests(log, "a", "a", "a")
    log.heartbeat(T0 + 20)
    tell(base, right("a"), at=T0 + 30)
    assert labels().counts("taxi", T0, T0 + 10, **FOREVER).labelled == {CANARY: 1}


def test_of_a_user_the_first_request_in_the_stage_is_labelled(log, base, labels):
    log.heartbeat(T0)
    some_requests(log, "a", "b", "c", unit="u")
    log.heartbeat(T0 + 20)
    tell(base, right("a"), right("b"), right("c"), at=T0 + 30)
    assert labels(unit="user").counts("taxi", T0, T0 + 10, **FOREVER).labelled == {CANARY: 1}


def test_pairs_need_a_label_and_both_predictions(log, base, labels, predict):
    log.heartbeat(T0)
    cases = {"worse": ("1", "0"), "better": ("0", "1"), "same": ("1", "1"), "unlabelled": ("1", "0"), "told": ("1", "0")}
    for name, (old, new) in cases.items():
        some_requests(log, name, track="stable", start=1)
        some_requests(log, name, track="shadow", start=1)
        predict(name, [old], at=T0 + 1, version=1)
        predict(name, [new], at=T0 + 1, version=2)
    some_requests(log, "alone", track="stable", start=2)
    predict("alone", ["1"], at=T0 + 2, version=1)
    log.heartbeat(T0 + 20)
    tell(base, *({"request_id": name, "label": 1} for name in ("worse", "better", "same", "alone")), right("told"), at=T0 + 30)
    source = labels()
    assert source.counts("taxi", T0, T0 + 10, **FOREVER).pairs == PairCounts(worse=1, same=1, better=1)
    assert source.disagreements("taxi", T0, T0 + 10) == PairCounts(disagreed=4, pairs=5)


def test_right_or_wrong_says_nothing_of_the_copy(log, base, labels):
    log.heartbeat(T0)
    some_requests(log, "a", track="stable")
    some_requests(log, "a", track="shadow")
    log.heartbeat(T0 + 20)
    tell(base, right("a", False), at=T0 + 30)
    assert labels().counts("taxi", T0, T0 + 10, **FOREVER).labelled == {STABLE: 1}


def test_requests_that_are_gone_make_a_gap(log, base, labels):
    log.heartbeat(T0)
    some_requests(log, "a")
    log.heartbeat(T0 + 20)
    source, requests = labels(and_requests=True)
    assert not source.counts("taxi", T0, T0 + 10, **FOREVER).gap
    assert source.counts("taxi", T0 - 30, T0 - 20, **FOREVER).gap
    requests.forget(T0 + 5)
    assert source.counts("taxi", T0, T0 + 10, **FOREVER).gap


def test_the_horizon_is_now_but_for_those_who_write(base):
    source = FeedbackLabels(base, None, now=lambda: T0)
    assert source.horizon() == T0
    tell(base, right("a"), at=T0 + 5)
    assert source.horizon() == T0 + 5
    later = FeedbackLabels(base, None, now=lambda: T0 + 60)
    written, over = threading.Event(), threading.Event()

    def write():
        with base.lock():
            written.set()
            over.wait(10)

    thread = threading.Thread(target=write)
    thread.start()
    written.wait(10)
    assert later.horizon() == 0
    over.set()
    thread.join()
    assert later.horizon() == T0 + 60


def test_labels_are_kept_until_they_are_forgotten():
    records = LabelRecords()
    for number in range(10):
        records.add(Feedback(f"r{number}", T0 + number, correct=number % 2 == 0))
    records.add(Feedback("r1", T0 + 20, correct=True))
    ids = [identity(name) for name in ("r1", "r8", "r0", "none")]
    assert [label and label.correct for label in records.of(ids, before=math.inf)] == [False, True, True, None]
    assert [label and label.at for label in records.of(ids, before=T0 + 8)] == [T0 + 1, None, T0, None]
    records.forget(T0 + 7)
    assert [label and label.at for label in records.of(ids, before=math.inf)] == [T0 + 20, T0 + 8, None, None]
    assert records.of([], before=math.inf) == []


AGES = (30.0, 120.0)
events = st.lists(
    st.tuples(
        st.integers(0, 50_000_000).map(lambda us: us / 1e6),
        st.sampled_from(["stable", "canary"]),
        st.none() | st.tuples(st.floats(0, 200), st.booleans()),
    ),
    max_size=30,
)


@given(events, st.lists(st.integers(1, 49), max_size=4), st.lists(st.floats(0, 400), max_size=5))
@settings(max_examples=40, deadline=None)
def test_each_label_counts_once_however_time_is_cut_and_whoever_counts(make_log, tmp_path_factory, requests, edges, cuts):
    log, base = make_log(), ModelStore(tmp_path_factory.mktemp("root")).model("taxi")
    log.heartbeat(T0 - 1)
    arrivals = []
    for number, (start, track, label) in enumerate(requests):
        log.request(T0 + start, track=track, request_id=f"r{number}")
        if label is not None:
            arrivals.append((T0 + start + label[0], right(f"r{number}", label[1])))
    log.heartbeat(T0 + 60)
    for at, row in sorted(arrivals, key=lambda arrival: arrival[0]):
        tell(base, row, at=at)

    def source():
        requests = AccessLogSource(log.folder, waiting_s=2, model="taxi", since=T0)
        requests.horizon()
        labels = FeedbackLabels(base, requests, now=lambda: T0 + 1000)
        labels.horizon()
        return labels

    bounds = [0, *sorted(set(edges)), 50.0000011]
    past = [PastWindow(n, T0 + start, T0 + end) for n, (start, end) in enumerate(itertools.pairwise(bounds), start=1)]
    moments = [T0, *sorted(T0 + cut for cut in cuts), T0 + 400]
    live = source()
    parts = [collect(live, "taxi", due(past, AGES, after=a, until=b)) for a, b in itertools.pairwise(moments)]
    # Somebody who counts anew counts the same.
    assert parts == [collect(source(), "taxi", due(past, AGES, after=a, until=b)) for a, b in itertools.pairwise(moments)]
    strata = [counts for labels, _, _ in parts for counts in labels]
    missing = [counts for _, missing, _ in parts for counts in missing]
    assert len({(counts.window, counts.age) for counts in strata}) == len(strata)
    ends = {f"r{n}": next(p.end for p in past if p.start <= T0 + start < p.end) for n, (start, _, _) in enumerate(requests)}
    counted = sum(at < ends[row["request_id"]] + AGES[-1] for at, row in arrivals)
    assert sum(counts.canary + counts.stable for counts in strata) == counted
    assert sum(counts.canary + counts.stable for counts in missing) == len(requests)
    assert sum(counts.canary_missing + counts.stable_missing for counts in missing) == len(requests) - counted


def test_values_of_metrics_are_no_labels(log, base, labels):
    log.heartbeat(T0)
    some_requests(log, "a", "b")
    log.heartbeat(T0 + 20)
    tell(base, {"request_id": "a", "metric": "conversion", "value": True}, right("a", False), at=T0 + 5)
    tell(base, {"request_id": "b", "metric": "rating", "value": 4}, at=T0 + 5)
    found = labels().counts("taxi", T0, T0 + 10, **FOREVER)
    assert (found.wrong, found.labelled) == ({CANARY: 1}, {CANARY: 1})
