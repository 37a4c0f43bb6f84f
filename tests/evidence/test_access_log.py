from __future__ import annotations

import itertools
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.errors import InvalidInput
from tfx_rollout.evidence import LatencyHistogram, TrackCounts, access_log_follower
from tfx_rollout.evidence.access_log import LOOP_S, AccessLogSource
from tfx_rollout.traffic import Track

WAITING_S = 2.0
LAG_S = WAITING_S + LOOP_S
T0 = 1_795_000_000.0


@pytest.fixture
def source(log):
    return AccessLogSource(log.folder, waiting_s=WAITING_S, since=0)


def test_nothing_may_be_closed_before_the_log_speaks(source, tmp_path):
    assert source.horizon() == 0
    assert AccessLogSource(tmp_path / "missing").horizon() == 0
    with pytest.raises(ValueError, match="past the horizon"):
        source.counts("taxi", T0, T0 + 1)


def test_the_horizon_follows_the_newest_line_and_not_the_clock(log, source):
    log.heartbeat(T0 + 1)
    assert source.horizon() == pytest.approx(T0 + 1 - LAG_S)
    log.request(T0 + 5, ms=1000)
    assert source.horizon() == pytest.approx(T0 + 6 - LAG_S)


def test_the_horizon_never_goes_back(log, source):
    log.heartbeat(T0 + 10)
    before = source.horizon()
    log.start(T0 + 10.5)
    log.heartbeat(T0 + 10.6)
    assert source.horizon() >= before


def test_requests_count_by_their_start(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1.999, ms=500)
    log.request(T0 + 2.0, ms=1)
    log.request(T0 + 2.5, code=13)
    log.request(T0 + 2.6, track="stable")
    log.request(T0 + 2.7, model="other")
    log.heartbeat(T0 + 20)
    found = source.counts("taxi", T0 + 2, T0 + 4)
    assert not found.gap
    canary = found.tracks[Track.CANARY]
    assert (canary.requests, canary.failures, dict(canary.codes)) == (2, 1, {"OK": 1, "INTERNAL": 1})
    assert found.tracks[Track.STABLE].requests == 1


def test_a_torn_last_line_is_read_when_it_is_whole(log, source):
    log.heartbeat(T0)
    log.heartbeat(T0 + 20)
    whole = log.line(T0 + 19, T0 + 20, route="draw/taxi/grpc", cluster="taxi~canary~grpc", answered_us=100)
    log.raw(whole[:40])
    source.horizon()
    log.raw(whole[40:])
    log.heartbeat(T0 + 30)
    assert source.counts("taxi", T0 + 10, T0 + 20).tracks[Track.CANARY].requests == 1


def test_the_log_of_an_older_gateway_without_the_version_is_read_on_through_the_change(log, source):
    drawn = {"route": "draw/taxi/grpc", "cluster": "taxi~canary~grpc", "answered_us": 100}
    log.heartbeat(T0 + 1)
    log.flush()
    log.raw(log.line(T0 + 1, T0 + 1.1, **drawn).rpartition(" ")[0] + "\n")
    log.put_aside(1)
    log.put(T0 + 2, T0 + 2.1, version=7, **drawn)
    log.heartbeat(T0 + 20)
    found = source.counts("taxi", T0 + 1, T0 + 4)
    assert (found.gap, found.tracks[Track.CANARY].requests) == (False, 2)


def test_what_hangs_counts_as_unanswered_and_goes_on_doing_so(log, source):
    log.heartbeat(T0)
    slow = {"connection": 7, "request_id": "slow"}
    for after in (0.5, 1.0, 1.5, 2.0):
        log.progress(T0 + 1, after, **slow)
    log.heartbeat(T0 + 4)
    hanging = source.counts("taxi", T0, T0 + 1.5).tracks[Track.CANARY]
    assert (hanging.requests, hanging.failures, hanging.unanswered, hanging.latency.total) == (1, 1, 1, 0)
    log.request(T0 + 1, ms=4000, **slow)
    log.heartbeat(T0 + 6)
    assert source.counts("taxi", T0, T0 + 1.5).tracks[Track.CANARY] == hanging


def test_what_is_answered_in_time_leaves_no_trace_of_its_progress(log, source):
    log.heartbeat(T0)
    log.progress(T0 + 1, 0.5, connection=7, request_id="s")
    log.request(T0 + 1, ms=700, connection=7, request_id="s")
    log.heartbeat(T0 + 6)
    counts = source.counts("taxi", T0, T0 + 2).tracks[Track.CANARY]
    assert (counts.requests, counts.failures) == (1, 0)


def test_a_restart_of_the_gateway_voids_the_interval_around_it_and_no_other(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.progress(T0 + 9.4, 0.5)
    log.heartbeat(T0 + 10)
    source.horizon()
    log.start(T0 + 12)
    log.heartbeat(T0 + 12.2)
    log.request(T0 + 13)
    log.heartbeat(T0 + 30)
    assert not source.counts("taxi", T0, T0 + 7).gap
    assert source.counts("taxi", T0 + 7, T0 + 12).gap
    assert source.counts("taxi", T0 + 10.5, T0 + 14).gap
    assert not source.counts("taxi", T0 + 12.5, T0 + 20).gap
    assert source.counts("taxi", T0, T0 + 7).tracks[Track.CANARY].requests == 1
    assert source.counts("taxi", T0 + 12.5, T0 + 20).tracks[Track.CANARY].requests == 1


def test_what_came_before_the_log_is_a_gap(log, source):
    log.heartbeat(T0)
    log.heartbeat(T0 + 10)
    assert source.counts("taxi", T0 - 5, T0 + 5).gap


def test_a_source_that_comes_late_reads_earlier_starts_of_the_gateway_too(log):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.heartbeat(T0 + 10)
    log.start(T0 + 100)
    log.heartbeat(T0 + 100)
    log.request(T0 + 101)
    log.put_aside(1)
    log.request(T0 + 102)
    log.heartbeat(T0 + 120)
    source = AccessLogSource(log.folder, waiting_s=WAITING_S, since=0)
    found = source.counts("taxi", T0 + 100, T0 + 110)
    assert (found.tracks[Track.CANARY].requests, found.gap) == (2, False)
    earlier = source.counts("taxi", T0, T0 + 5)
    assert (earlier.tracks[Track.CANARY].requests, earlier.gap) == (1, False)
    assert source.counts("taxi", T0 + 5, T0 + 101).gap


def test_a_source_looks_back_no_further_than_it_was_told(log):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.put_aside(1)
    os.utime(log.path.with_name(f"{log.path.stem}.0001.log"), (T0 + 1, T0 + 1))
    log.heartbeat(T0 + 3)
    log.request(T0 + 4)
    log.request(T0 + 6)
    log.request(T0 + 7)
    log.heartbeat(T0 + 30)
    source = AccessLogSource(log.folder, waiting_s=WAITING_S, since=T0 + 5)
    found = source.counts("taxi", T0 + 5, T0 + 10)
    assert (found.tracks[Track.CANARY].requests, found.gap) == (2, False)
    assert source.counts("taxi", T0 + 3.5, T0 + 10).gap


def test_parts_are_read_to_their_ends_and_without_a_gap(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1)
    assert source.horizon() > 0
    log.put_aside(1)
    log.request(T0 + 2)  # a new part, which lives on while the next is begun
    log.put_aside(2)
    log.request(T0 + 3)
    log.heartbeat(T0 + 20)
    found = source.counts("taxi", T0, T0 + 10)
    assert (found.tracks[Track.CANARY].requests, found.gap) == (3, False)


def test_a_part_that_was_deleted_unread_is_a_gap(log, source):
    log.heartbeat(T0)
    assert source.horizon() > 0
    log.put_aside(1)
    log.request(T0 + 5)
    log.put_aside(2)
    log.heartbeat(T0 + 30)
    for number in (1, 2):
        log.path.with_name(f"{log.path.stem}.{number:04d}.log").unlink()
    log.heartbeat(T0 + 40)
    source.horizon()
    assert source.counts("taxi", T0 + 1, T0 + 10).gap
    assert not source.counts("taxi", T0 + 31, T0 + 35).gap


def test_forgotten_intervals_are_gaps_and_take_no_memory(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.request(T0 + 6)
    log.heartbeat(T0 + 20)
    source.horizon()
    source.forget(T0 + 5)
    assert source.counts("taxi", T0, T0 + 10).gap
    later = source.counts("taxi", T0 + 5, T0 + 10)
    assert (later.tracks[Track.CANARY].requests, later.gap) == (1, False)


def test_what_nobody_forgets_is_forgotten_in_time(log):
    source = AccessLogSource(log.folder, waiting_s=WAITING_S, since=0, keep_s=10)
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.heartbeat(T0 + 30)
    assert source.counts("taxi", T0, T0 + 3).gap
    assert not source.counts("taxi", T0 + 20, T0 + 25).gap


@pytest.mark.parametrize("waiting_s", [0, 0.5, 1e6])
def test_a_waiting_time_that_progress_cannot_show_is_refused(tmp_path, waiting_s):
    with pytest.raises(InvalidInput, match="waiting time"):
        AccessLogSource(tmp_path, waiting_s=waiting_s)


def test_a_hole_of_seconds_in_the_log_is_a_gap(log, source):
    log.heartbeat(T0)
    log.heartbeat(T0 + 10)
    log.beaten = T0 + 14  # no line for four seconds
    log.request(T0 + 15)
    log.heartbeat(T0 + 30)
    assert not source.counts("taxi", T0, T0 + 7).gap
    assert source.counts("taxi", T0 + 7, T0 + 10).gap
    assert source.counts("taxi", T0 + 13, T0 + 16).gap
    after = source.counts("taxi", T0 + 14.5, T0 + 20)
    assert (after.tracks[Track.CANARY].requests, after.gap) == (1, False)


def test_a_clock_that_was_set_back_voids_what_it_repeats_and_evidence_goes_on(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.request(T0 + 8)
    log.request(T0 + 9.9, ms=300, connection=7)
    log.heartbeat(T0 + 10)
    assert source.horizon() == pytest.approx(T0 + 10.2 - LAG_S)
    log.beat(T0 + 4)
    log.flush()
    assert source.horizon() == pytest.approx(T0 + 4 - LAG_S)
    # It was promised before, so that it is no error to ask.
    assert source.counts("taxi", T0 + 2, T0 + 7.5).gap
    log.request(T0 + 8.5)
    # It started before the clock was set back, and ended after.
    log.put(T0 + 9.9, T0 + 4.5, route="draw/taxi/grpc", cluster="taxi~canary~grpc", answered_us=900_000)
    log.heartbeat(T0 + 20)
    assert not source.counts("taxi", T0, T0 + 1.5).gap
    assert source.counts("taxi", T0 + 3, T0 + 5).gap
    again = source.counts("taxi", T0 + 4.5, T0 + 12)
    assert (again.tracks[Track.CANARY].requests, again.gap) == (1, False)


def test_users_go_on_counting_when_the_clock_was_set_back(log):
    source = with_users(log.folder, since=T0 - 10)
    log.heartbeat(T0)
    log.request(T0 + 1, unit="a")
    log.heartbeat(T0 + 10)
    assert user_counts(source, 0, 5) == {"canary": (1, 0)}
    log.beat(T0 - 5)
    log.request(T0 - 4, unit="b")
    log.request(T0 + 3, unit="c", code=13)
    log.flush()
    log.heartbeat(T0 + 20)
    assert user_counts(source, -4.5, 5) == {"canary": (2, 1)}


def test_a_long_log_is_read_in_pieces_and_the_horizon_tells_how_far(log, monkeypatch):
    monkeypatch.setattr(access_log_follower, "READ_BYTES", 1)
    monkeypatch.setattr(access_log_follower, "_CHUNK_BYTES", 4096)
    log.heartbeat(T0)
    for second in range(60):
        log.request(T0 + second)
    log.heartbeat(T0 + 70)
    source = AccessLogSource(log.folder, waiting_s=WAITING_S, since=0)
    horizons = [source.horizon() for _ in range(20)]
    assert horizons == sorted(horizons)
    assert len(set(horizons)) > 3
    while source.horizon() < T0 + 60:
        pass
    assert source.counts("taxi", T0, T0 + 60).tracks[Track.CANARY].requests == 60


def test_copies_count_on_the_shadow(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1, track="stable", request_id="a")
    log.request(T0 + 1, track="shadow", request_id="a", code=13)
    log.heartbeat(T0 + 10)
    tracks = source.counts("taxi", T0, T0 + 5).tracks
    assert (tracks[Track.SHADOW].requests, tracks[Track.SHADOW].failures, tracks[Track.STABLE].failures) == (1, 1, 0)


def test_each_request_is_a_unit_and_latencies_are_spaced(log, source):
    log.heartbeat(T0)
    for hundredth in range(20):
        log.request(T0 + 1 + hundredth / 100, ms=1 + hundredth, code=13 if hundredth == 3 else 0)
    log.heartbeat(T0 + 10)
    counts = source.counts("taxi", T0, T0 + 5).tracks[Track.CANARY]
    assert (counts.units, counts.unit_failures) == (20, 1)
    assert counts.unit_latency == LatencyHistogram.of([1000, 11_000])


def test_a_slot_that_an_interval_cuts_counts_where_its_first_request_started(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1.01, ms=1)
    log.request(T0 + 1.06, ms=2)
    log.heartbeat(T0 + 10)
    first, second = (source.counts("taxi", *ends).tracks[Track.CANARY] for ends in ((T0, T0 + 1.05), (T0 + 1.05, T0 + 2)))
    assert (first.unit_latency.total, second.unit_latency.total, second.latency.total) == (1, 0, 1)


def with_users(folder, *, since=T0):
    return AccessLogSource(folder, waiting_s=WAITING_S, unit="user", model="taxi", since=since)


def user_counts(source, start, end):
    tracks = source.counts("taxi", T0 + start, T0 + end).tracks
    return {str(track): (counts.units, counts.unit_failures) for track, counts in sorted(tracks.items())}


def test_users_are_counted_by_the_stage_and_anew_after_a_restart_with_the_same_result(log):
    log.heartbeat(T0 - 1)
    log.request(T0 + 1, unit="a")
    log.request(T0 + 2, unit="b", code=13)
    log.request(T0 + 3, unit="b", code=13)
    log.request(T0 + 3, unit="c", track="stable")
    log.request(T0 + 4)
    for second in (12, 22):
        log.request(T0 + second, unit="a")
        log.request(T0 + second, unit="c", code=13 if second == 22 else 0)
        log.request(T0 + second, unit="d", track="stable")
    log.request(T0 + 23, unit="c", code=13)
    log.progress(T0 + 24, 0.5, unit="e")
    log.heartbeat(T0 + 40)
    windows = [(0, 10), (10, 20), (20, 30)]
    expected = [
        {"canary": (2, 1), "stable": (1, 0)},
        {"canary": (1, 0), "stable": (1, 0)},
        {"canary": (2, 2), "stable": (1, 0)},
    ]

    def counted(source, window):
        source.set_stages([T0, T0 + 11] if window != (0, 10) else [T0])
        return user_counts(source, *window)

    live = with_users(log.folder)
    assert [counted(live, window) for window in windows] == expected
    for window, found in zip(windows, expected, strict=True):
        assert counted(with_users(log.folder), window) == found
    # What was forgotten as a request is remembered as a user.
    forgetful = with_users(log.folder)
    for window, found in zip(windows, expected, strict=True):
        assert counted(forgetful, window) == found
        forgetful.forget(T0 + window[1])


def test_a_copy_counts_for_the_user_of_its_original(log):
    log.heartbeat(T0 - 1)
    for number in range(8):
        log.request(T0 + 1 + number, track="stable", request_id=f"r{number}", unit=f"u{number % 2}")
        log.request(T0 + 1.001 + number, track="shadow", request_id=f"r{number}", code=13 if number == 5 else 0)
    log.request(T0 + 4, track="shadow", request_id="nobodys")
    log.heartbeat(T0 + 20)
    source = with_users(log.folder)
    source.set_stages([T0])
    assert user_counts(source, 0, 5) == {"stable": (2, 0), "shadow": (2, 0)}
    source.forget(T0 + 5)
    assert user_counts(source, 5, 10) == {"stable": (2, 0), "shadow": (2, 1)}
    # An interval may begin between the two.
    assert user_counts(source, 6.0005, 7) == {"shadow": (1, 1)}


def test_users_are_counted_for_one_model_only(tmp_path):
    with pytest.raises(InvalidInput, match="one model"):
        AccessLogSource(tmp_path, unit="user")


def test_a_source_for_one_model_passes_the_others_over(log):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.request(T0 + 1, model="cab-taxi")
    log.heartbeat(T0 + 10)
    source = AccessLogSource(log.folder, waiting_s=WAITING_S, model="taxi", since=T0)
    assert source.counts("taxi", T0, T0 + 5).tracks[Track.CANARY].requests == 1
    assert source.counts("cab-taxi", T0, T0 + 5).tracks == {}


traffic = st.lists(
    st.tuples(
        st.integers(0, 20_000_000).map(lambda us: T0 + us / 1e6),
        st.sampled_from([1.0, 40.0, 1900.0, 2500.0]),
        st.sampled_from(["stable", "canary", "shadow"]),
        st.sampled_from([0, 13]),
    ),
    max_size=40,
)


@given(traffic, st.lists(st.integers(0, 20_000_001), max_size=5))
@settings(max_examples=40, deadline=None)
def test_wherever_time_is_cut_and_whoever_counts_the_totals_are_the_same(make_log, requests, cuts):
    log = make_log()
    log.heartbeat(T0 - 1)
    for start, ms, track, code in requests:
        log.request(start, ms, track=track, code=code)
    log.heartbeat(T0 + 30)
    source = AccessLogSource(log.folder, waiting_s=WAITING_S, since=T0)
    edges = [T0, *sorted(T0 + cut / 1e6 for cut in cuts), T0 + 20.000001]
    total = {}
    for start, end in itertools.pairwise(edges):
        found = source.counts("taxi", start, end)
        restarted = AccessLogSource(log.folder, waiting_s=WAITING_S, since=start)
        assert not found.gap
        assert restarted.counts("taxi", start, end) == found
        for track, counts in found.tracks.items():
            total[track] = total.get(track, TrackCounts()) + counts
    assert total == source.counts("taxi", edges[0], edges[-1]).tracks
    assert sum(counts.requests for counts in total.values()) == len(requests)


def test_a_part_that_is_put_aside_while_it_is_opened_is_read_the_next_time(log):
    follower = access_log_follower.AccessLogFollower(log.folder, since=0.0)
    log.request(T0)
    log.flush()
    assert len(list(follower.read())) == 2
    following = log.folder / f"{round(T0 * 1000) + 1}.log"
    following.symlink_to("not-there-yet")
    with pytest.raises(FileNotFoundError):
        list(follower.read())
    following.unlink()
    log.start(T0 + 0.001)
    log.request(T0 + 1)
    log.flush()
    assert len([item for item in follower.read() if isinstance(item, str)]) == 1
