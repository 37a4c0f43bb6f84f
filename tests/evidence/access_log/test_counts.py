"""What counts in an interval: requests by their start, copies, what hangs; and the same whoever counts, wherever time is cut."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.evidence import LatencyHistogram, TrackCounts
from tfx_rollout.evidence.access_log import AccessLogSource
from tfx_rollout.traffic import Track

from ..conftest import T0
from .conftest import WAITING_S


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
