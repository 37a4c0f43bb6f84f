from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.evidence import TrackCounts
from tfx_rollout.evidence.request_records import RequestRecords
from tfx_rollout.traffic import Track

T0 = 1_795_000_000

requests = st.lists(
    st.tuples(
        st.sampled_from([Track.STABLE, Track.CANARY]),
        st.integers(0, 10_000_000).map(lambda us: T0 + us / 1e6),
        st.sampled_from(["OK", "INTERNAL", "UNAVAILABLE"]),
        st.none() | st.floats(1, 1e6, width=32),
    ),
    max_size=60,
)


def records_of(items):
    records = RequestRecords()
    for track, start, code, latency in items:
        records.add("taxi", track, start, code if latency is not None else "DEADLINE_EXCEEDED", latency)
    return records


@given(requests, st.lists(st.integers(0, 10_000_001), min_size=1, max_size=5))
def test_intervals_that_adjoin_count_every_request_once(items, cuts):
    records = records_of(items)
    edges = [T0, *sorted(T0 + cut / 1e6 for cut in cuts), T0 + 10.000002]
    total: dict[Track, TrackCounts] = {}
    for start, end in itertools.pairwise(edges):
        for track, counts in records.counts("taxi", start, end).items():
            total[track] = total.get(track, TrackCounts()) + counts
    assert total == records.counts("taxi", edges[0], edges[-1])
    assert sum(counts.requests for counts in total.values()) == len(items)


@given(requests)
def test_failures_hold_the_unanswered_and_latencies_the_rest(items):
    for track, counts in records_of(items).counts("taxi", T0, T0 + 11).items():
        mine = [item for item in items if item[0] is track]
        assert counts.unanswered == sum(latency is None for *_, latency in mine)
        assert counts.failures == sum(latency is None or code != "OK" for _, _, code, latency in mine)
        assert counts.latency.total == counts.requests - counts.unanswered
        assert sum(counts.codes.values()) == counts.requests


def test_an_interval_has_its_start_and_not_its_end():
    records = records_of([(Track.STABLE, T0 + 1.0, "OK", 5.0), (Track.STABLE, T0 + 2.0, "OK", 5.0)])
    assert records.counts("taxi", T0 + 1.0, T0 + 2.0)[Track.STABLE].requests == 1


def test_models_are_kept_apart():
    records = records_of([(Track.STABLE, T0 + 1.0, "OK", 5.0)])
    assert records.counts("other", T0, T0 + 10) == {}


def test_what_is_forgotten_is_gone_and_said_to_be():
    records = records_of([(Track.STABLE, T0 + second, "OK", 5.0) for second in range(10)])
    records.forget(T0 + 5)
    assert records.forgotten_before == T0 + 5
    assert records.counts("taxi", T0 + 5, T0 + 10)[Track.STABLE].requests == 5
    assert records.counts("taxi", T0, T0 + 5) == {}
    records.forget(T0 + 3)
    assert records.forgotten_before == T0 + 5
