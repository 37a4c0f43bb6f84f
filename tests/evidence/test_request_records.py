from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.evidence import TrackCounts
from tfx_rollout.evidence.counting import count_tracks
from tfx_rollout.evidence.request_records import KeptRequest, RequestRecords, identity, microseconds
from tfx_rollout.traffic import Track

T0 = 1_795_000_000
US = T0 * 1_000_000

requests = st.lists(
    st.builds(
        lambda track, offset_us, code, latency_us: KeptRequest(
            track, US + offset_us, "DEADLINE_EXCEEDED" if latency_us is None else code, latency_us, 7, 8
        ),
        st.sampled_from([Track.STABLE, Track.CANARY, Track.SHADOW]),
        st.integers(0, 10_000_000),
        st.sampled_from(["OK", "INTERNAL", "UNAVAILABLE"]),
        st.none() | st.floats(1, 1e6, width=32),
    ),
    max_size=60,
)


def records_of(items):
    records = RequestRecords()
    for item in items:
        records.add("taxi", item)
    return records


def counts(records, start_us, end_us):
    return count_tracks(records.within("taxi", start_us, end_us), {}, {})


@given(requests)
def test_what_is_kept_comes_back_as_it_was(items):
    assert sorted(records_of(items).within("taxi", US, US + 11_000_000), key=repr) == sorted(items, key=repr)


@given(requests, st.lists(st.integers(0, 10_000_001), min_size=1, max_size=5))
def test_intervals_that_adjoin_count_every_request_once(items, cuts):
    records = records_of(items)
    edges = [US, *sorted(US + cut for cut in cuts), US + 10_000_002]
    total: dict[Track, TrackCounts] = {}
    for start, end in itertools.pairwise(edges):
        for track, found in counts(records, start, end).items():
            total[track] = total.get(track, TrackCounts()) + found
    assert total == counts(records, edges[0], edges[-1])
    assert sum(found.requests for found in total.values()) == len(items)


@given(requests)
def test_failures_hold_the_unanswered_and_latencies_the_rest(items):
    for track, found in counts(records_of(items), US, US + 11_000_000).items():
        mine = [item for item in items if item.track is track]
        assert found.unanswered == sum(item.latency_us is None for item in mine)
        assert found.failures == sum(item.failed for item in mine)
        assert found.latency.total == found.requests - found.unanswered
        assert sum(found.codes.values()) == found.requests


def one(start, **changes):
    return KeptRequest(Track.STABLE, microseconds(start), "OK", 5.0)._replace(**changes)


def test_an_interval_has_its_start_and_not_its_end():
    records = records_of([one(T0 + 1), one(T0 + 2)])
    assert counts(records, US + 1_000_000, US + 2_000_000)[Track.STABLE].requests == 1


def test_models_are_kept_apart():
    assert list(records_of([one(T0 + 1)]).within("other", US, US + 10_000_000)) == []


def test_an_interval_of_years_is_found_as_fast_as_one_of_seconds():
    assert len(list(records_of([one(T0 + 1)]).within("taxi", 0, US + 10_000_000))) == 1


def test_what_is_forgotten_is_gone_and_does_not_come_back():
    records = records_of([one(T0 + second) for second in range(10)])
    records.forget(T0 + 5)
    records.add("taxi", one(T0 + 4.5))
    assert len(list(records.within("taxi", US, US + 10_000_000))) == 5
    records.forget(T0 + 3)
    records.add("taxi", one(T0 + 4.5))
    assert len(list(records.within("taxi", US, US + 10_000_000))) == 5


def test_what_comes_after_a_time_can_be_dropped():
    records = records_of([one(T0 + second) for second in range(10)])
    records.forget_from(T0 + 7.5)
    assert len(list(records.within("taxi", US, US + 10_000_000))) == 7


def test_an_id_is_the_same_number_each_time_and_none_is_zero():
    assert identity("a") == identity("a") != identity("b")
    assert 0 <= identity("a") < 2**64
    assert identity(None) == 0
