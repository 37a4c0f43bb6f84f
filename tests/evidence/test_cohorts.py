from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.errors import CorruptState
from tfx_rollout.evidence.cohort_counts import Arrivals, Outcomes
from tfx_rollout.evidence.cohort_source import FeedbackCohorts, PastWindow
from tfx_rollout.evidence.cohorts import UserRequests, arrivals
from tfx_rollout.evidence.feedback import append_feedback
from tfx_rollout.evidence.metric import Metric
from tfx_rollout.evidence.request_records import KeptRequest, identity
from tfx_rollout.evidence.seen_users import UNSEEN, SeenUsers
from tfx_rollout.model_store import ModelStore
from tfx_rollout.traffic import Track

A, B, C = Track.STABLE, Track.VARIANT_B, Track.VARIANT_C
EVENT = Metric("conversion", "event", within_seconds=10)
BINARY = Metric("correct", "binary", within_seconds=10)
RATING = Metric("rating", "number", within_seconds=10, low=1, high=5)


def request(at: float, user: int, track: Track = A, *, name: str | None = None, ok: bool = True) -> KeptRequest:
    return KeptRequest(track, round(at * 1e6), "OK" if ok else "INTERNAL", 1.0, identity(name or f"{user}@{at:g}"), user)


class Log:
    """Requests that were drawn, all of them known."""

    def __init__(self, *requests: KeptRequest) -> None:
        self.requests = requests
        self.gaps: list[tuple[float, float]] = []

    def horizon(self) -> float:
        return 1e9

    def drawn(self, model, start, end):
        return [one for one in self.requests if start * 1e6 <= one.start_us < end * 1e6]

    def complete(self, start, end):
        return not any(since < end and start < until for since, until in self.gaps)

    def forget(self, before):
        pass


@pytest.fixture
def base(tmp_path):
    return ModelStore(tmp_path).model("m")


def source_of(base, log, metric=EVENT, past=(), matured=0):
    return FeedbackCohorts(base, log, metric, base.control / "users", past, matured=matured)


def close(source, *ends: float) -> list:
    """Closes windows at these ends, from 0 on, and records them; who came."""
    found, start = [], 0.0
    for number, end in enumerate(ends, start=1):
        counted = source.arrivals(number, start, end)
        source.recorded(PastWindow(number, start, end, void=counted.gap))
        found.append(counted)
        start = end
    return found


def told(base, source, *rows, at: float = 5.0):
    append_feedback(base, rows, now=lambda: at)
    source.feedback_horizon()


def test_a_user_belongs_to_the_window_and_the_arm_of_his_first_request(base):
    log = Log(request(1, 7, A), request(3, 7, B), request(2, 8, B), request(12, 7, B), request(13, 9, B))
    first, second = close(source_of(base, log), 10, 20)
    assert {track: arm.users for track, arm in first.arms.items()} == {A: 1, B: 1}
    assert {track: arm.users for track, arm in second.arms.items()} == {B: 1}
    assert second.arms[B] == Arrivals(users=1, requests=2, at_risk=1)


def test_a_failure_counts_once_a_user_and_on_his_own_arm_only(base):
    log = Log(
        *(request(1, 1, B, ok=False), request(2, 1, B, ok=False), request(3, 2, B)),
        *(request(11, 1, B, ok=False), request(12, 2, A, ok=False), request(13, 2, B, ok=False)),
        *(request(21, 2, B, ok=False), request(22, 3, B)),
    )
    found = close(source_of(base, log), 10, 20, 30)
    assert [(window.arms[B].at_risk, window.arms[B].failed) for window in found] == [(2, 1), (1, 1), (1, 0)]


def test_requests_that_tell_no_user_and_other_tracks_are_nobodys(base):
    log = Log(request(1, 0, A), request(2, 0, B), request(3, 4, Track.CANARY), request(4, 5, Track.SHADOW), request(5, 6, A))
    (found,) = close(source_of(base, log), 10)
    assert found.unassigned == 2
    assert found.arms == {A: Arrivals(users=1, requests=1, at_risk=1)}


def test_an_event_is_any_yes_about_any_request_soon_enough_after_the_first_one(base):
    log = Log(
        *(request(1, 1, A, name="a1"), request(4, 1, A, name="a2")),
        *(request(2, 2, B, name="b1"), request(3, 3, B, name="c1")),
        *(request(11, 3, B, name="c2"), request(14, 3, B, name="late")),
    )
    source = source_of(base, log)
    close(source, 10, 20)
    row = {"metric": "conversion"}
    told(base, source, {"request_id": "a1", **row, "value": False}, {"request_id": "a2", **row, "value": True}, at=6)
    told(base, source, {"request_id": "c2", **row, "value": True}, {"request_id": "b1", **row, "value": True}, at=12.5)
    found = source.outcomes(1)
    assert found.arms == {A: Outcomes(1, 1, 1), B: Outcomes(2, 2, 1)}, "b1 came 10.5 s after its user, c2 9.5 s"
    told(base, source, {"request_id": "late", **row, "value": True}, at=12.6)
    assert source.outcomes(1) == found, "a request that started later than 10 s after the first one does not count"


def test_right_and_wrong_is_what_was_said_first_and_unknown_without_anything(base):
    log = Log(request(1, 1, A, name="a1"), request(4, 1, A, name="a2"), request(2, 2, B, name="b"), request(3, 3, B, name="c"))
    source = source_of(base, log, BINARY)
    close(source, 10)
    told(base, source, {"request_id": "a2", "correct": False}, at=6)
    told(base, source, {"request_id": "a1", "correct": True}, {"request_id": "c", "label": 1, "prediction": 1}, at=7)
    assert source.outcomes(1).arms == {A: Outcomes(1, 1, 0), B: Outcomes(2, 1, 1)}


def test_numbers_come_in_the_order_of_their_users_and_what_is_none_is_told(base):
    log = Log(*(request(at, user, B, name=f"r{user}") for at, user in ((5, 1), (2, 2), (3, 3), (4, 4))))
    source = source_of(base, log, RATING)
    close(source, 10)
    rows = [
        {"request_id": f"r{user}", "metric": "rating", "value": value} for user, value in ((1, 5), (2, 2.5), (3, 9), (4, True))
    ]
    told(base, source, *rows, {"request_id": "r3", "metric": "stars", "value": 1})
    found = source.outcomes(1)
    assert found.arms == {B: Outcomes(4, 2, 0, (2.5, 5.0))}
    assert found.ignored == 2


def test_who_came_in_a_gap_is_never_counted_and_not_taken_for_new_later(base):
    log = Log(request(1, 1, A), request(11, 2, B), request(21, 2, B), request(22, 3, B))
    log.gaps = [(12, 13)]
    source = source_of(base, log)
    found = close(source, 10, 20, 30)
    assert [window.gap for window in found] == [False, True, False]
    assert found[2].arms[B].users == 1
    assert source.outcomes(2).arms == {}


def test_a_store_without_what_it_kept_is_told_of(base):
    log = Log(request(1, 1, A))
    close(source_of(base, log), 10)
    next((base.control / "users").glob("*.requests")).unlink()
    with pytest.raises(CorruptState, match="window 1 are missing"):
        source_of(base, log, past=[PastWindow(1, 0.0, 10.0)])


def test_a_block_whose_window_was_recorded_otherwise_does_not_count(base):
    log = Log(request(1, 1, A), request(5, 2, B))
    source_of(base, log).arrivals(1, 0.0, 4.0)
    source = source_of(base, log, past=[])
    assert {track: arm.users for track, arm in source.arrivals(1, 0.0, 10.0).arms.items()} == {A: 1, B: 1}
    source.recorded(PastWindow(1, 0.0, 10.0))
    again = source_of(base, log, past=[PastWindow(1, 0.0, 10.0)])
    assert again.arrivals(2, 0.0, 10.0).arms[A].users == 0


streams = st.lists(
    st.tuples(st.integers(0, 59), st.integers(1, 8), st.sampled_from([A, B, C]), st.booleans(), st.booleans()), max_size=40
)
cuts = st.lists(st.integers(1, 59), max_size=6, unique=True).map(lambda ends: [*sorted(ends), 60])


@settings(max_examples=20, deadline=None)
@given(stream=streams, one=cuts, other=cuts, restart=st.integers(0, 6))
def test_however_time_is_cut_and_whenever_it_begins_anew_each_user_is_counted_once_and_alike(
    tmp_path_factory, stream, one, other, restart
):
    """Users by arm, their failures and outcomes are the same for any cut, and with a source that begins anew at any window."""
    log = Log(*(request(at, user, track, name=f"r{i}", ok=ok) for i, (at, user, track, ok, _) in enumerate(stream)))
    rows = [{"request_id": f"r{i}", "metric": "conversion", "value": True} for i, (*_, yes) in enumerate(stream) if yes]

    def totals(ends: list[int], again: int):
        base = ModelStore(tmp_path_factory.mktemp("root")).model("m")
        append_feedback(base, rows, now=lambda: 8.0)
        past, users, failed, outcomes = [], {}, {}, {}
        source = source_of(base, log)
        for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False), start=1):
            if number == again:
                source = source_of(base, log, past=past)
            counted = source.arrivals(number, float(start), float(end))
            past.append(PastWindow(number, float(start), float(end)))
            source.recorded(past[-1])
            for track, arm in counted.arms.items():
                users[track] = users.get(track, 0) + arm.users
                failed[track] = failed.get(track, 0) + arm.failed
        source.feedback_horizon()
        for number in range(1, len(ends) + 1):
            for track, arm in source.outcomes(number).arms.items():
                outcomes[track] = outcomes.get(track, 0) + arm.positives
        return users, failed, outcomes

    assert totals(one, 0) == totals(other, restart)


def test_seen_users_keep_their_arms():
    seen, rng = SeenUsers(), np.random.default_rng(0)
    known: dict[int, int] = {}
    for _ in range(20):
        fresh = np.setdiff1d(rng.integers(1, 2**63, 50).astype(np.uint64), np.array(list(known), np.uint64))
        arms = rng.integers(0, 6, fresh.size).astype(np.uint8)
        seen.add(fresh, arms, fresh[::2])
        known |= dict(zip(fresh.tolist(), arms.tolist(), strict=True))
    users = np.array(list(known), np.uint64)
    assert seen.arms(users).tolist() == list(known.values())
    assert (seen.arms(users + np.uint64(2**63)) == UNSEEN).all()
    assert len(seen) == len(known)


def test_nothing_that_came_is_nobody():
    arrived = arrivals(UserRequests.of([]), SeenUsers())
    assert arrived.counts == {}
    assert arrived.users.size == 0
