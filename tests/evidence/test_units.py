from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.evidence import LatencyHistogram
from tfx_rollout.evidence.request_records import KeptRequest
from tfx_rollout.evidence.units import UnitCounts, UserMemory, count_requests, slot_start
from tfx_rollout.traffic import Track

SPACING_US = 100_000
US = 1_795_000_000_000_000

requests = st.lists(
    st.builds(
        lambda track, offset_us, failed, latency_us, unit: KeptRequest(
            track, US + offset_us, "INTERNAL" if failed or latency_us is None else "OK", latency_us, 0, unit
        ),
        st.sampled_from([Track.STABLE, Track.CANARY]),
        st.integers(0, 2_000_000),
        st.booleans(),
        st.none() | st.sampled_from([100.0, 2000.0, 50_000.0]),
        st.integers(0, 5),
    ),
    max_size=60,
)


def counted(items, start, end, spacing=SPACING_US):
    since = slot_start(start, spacing)
    return count_requests([item for item in items if since <= item.start_us < end], start, spacing)


def added(one, other):
    return UnitCounts(one.units + other.units, one.failures + other.failures, one.latency + other.latency)


@given(requests, st.lists(st.integers(0, 2_000_000), max_size=6), st.sampled_from([0, 30_000, SPACING_US, 1_500_000]))
def test_wherever_time_is_cut_the_units_add_up_to_the_same(items, cuts, spacing):
    edges = [US, *sorted(US + cut for cut in cuts), US + 2_000_001]
    total = {}
    for start, end in itertools.pairwise(edges):
        for track, found in counted(items, start, end, spacing).items():
            total[track] = added(total[track], found) if track in total else found
    assert total == counted(items, edges[0], edges[-1], spacing)


@given(requests, st.randoms(use_true_random=False))
def test_the_order_in_which_requests_were_logged_changes_nothing(items, rng):
    mixed = random.Random(rng.random()).sample(items, len(items))
    assert counted(mixed, US, US + 2_000_001) == counted(items, US, US + 2_000_001)


def a(track, second, unit=0, *, failed=False, latency_us=1000.0):
    return KeptRequest(track, US + round(second * 1e6), "INTERNAL" if failed else "OK", latency_us, 0, unit)


CANARY, STABLE = Track.CANARY, Track.STABLE


def test_of_each_slot_the_first_request_that_was_answered_is_compared():
    items = [
        a(CANARY, 0.01, latency_us=None, failed=True),
        a(CANARY, 0.03, latency_us=3000.0),
        a(CANARY, 0.02, latency_us=2000.0),
        a(STABLE, 0.05, latency_us=5000.0),
        a(CANARY, 0.11, latency_us=1100.0),
    ]
    found = counted(items, US, US + 1_000_000)
    assert (found[CANARY].units, found[CANARY].failures) == (4, 1)
    assert found[CANARY].latency == LatencyHistogram.of([2000.0, 1100.0])
    assert found[STABLE].latency == LatencyHistogram.of([5000.0])


def users(items, *stages):
    """A memory that has learned the requests, with stages opened at these seconds."""
    memory = UserMemory()
    memory.set_stages([US + round(second * 1e6) for second in stages])
    memory.learn(items, US + 10_000_000_000)
    return memory


def window(memory, items, start, end):
    mine = [item for item in items if start <= (item.start_us - US) / 1e6 < end]
    return memory.count(mine, US + round(start * 1e6))


def test_a_user_is_one_unit_however_often_it_comes():
    items = [a(CANARY, second / 10, unit=1 + second % 3) for second in range(30)]
    assert window(users(items, 0), items, 0, 3)[CANARY].units == 3


def test_a_user_fails_once_a_stage_and_is_out_after_it():
    items = [a(STABLE, second, unit=1, failed=second >= 11) for second in range(30)] + [a(STABLE, 25, unit=2)]
    memory = users(items, 0)
    assert [window(memory, items, start, start + 10)[STABLE] for start in (0, 10)] == [
        UnitCounts(1, 0, LatencyHistogram.of([1000.0])),
        UnitCounts(1, 1, LatencyHistogram()),
    ]
    assert (window(memory, items, 20, 30)[STABLE].units, window(memory, items, 20, 30)[STABLE].failures) == (1, 0)


def test_a_new_stage_draws_the_users_of_stable_anew_and_leaves_out_those_of_the_canary():
    items = [
        a(STABLE, 5, unit=1, failed=True),
        a(CANARY, 5, unit=2),
        a(STABLE, 15, unit=1, failed=True),
        a(CANARY, 15, unit=2, failed=True),
        a(CANARY, 15, unit=3, failed=True),
    ]
    found = window(users(items, 0, 10), items, 10, 20)
    assert {track: (units.units, units.failures) for track, units in found.items()} == {STABLE: (1, 1), CANARY: (1, 1)}


def test_the_latency_of_a_user_is_that_of_its_first_request_in_the_stage():
    items = [a(CANARY, second, unit=1, latency_us=1000.0 * (1 + second)) for second in (1, 3, 12)]
    memory = users(items, 0)
    assert window(memory, items, 0, 10)[CANARY].latency == LatencyHistogram.of([2000.0])
    assert window(memory, items, 10, 20)[CANARY].latency == LatencyHistogram()


def test_requests_that_tell_no_user_are_no_evidence_about_users():
    items = [a(CANARY, 1), a(CANARY, 2, failed=True)]
    assert window(users(items, 0), items, 0, 10) == {}


@given(requests, st.lists(st.integers(0, 2_000_000), max_size=3), st.lists(st.integers(0, 2_000_001), max_size=4))
def test_learning_piece_by_piece_or_anew_after_a_restart_gives_the_same_counts(items, openings, cuts):
    stages = [US + opening for opening in openings]
    edges = [US, *sorted(US + cut for cut in cuts), US + 2_000_001]
    live, again = UserMemory(), UserMemory()
    again.set_stages(stages)
    again.learn(reversed(items), edges[-1])
    for start, end in itertools.pairwise(edges):
        mine = [item for item in items if start <= item.start_us < end]
        live.set_stages([opening for opening in stages if opening <= end])
        live.learn(mine, end)
        assert live.count(mine, start) == again.count(mine, start)


@given(requests, st.lists(st.integers(0, 2_000_001), max_size=4))
def test_within_a_stage_each_user_fails_once_and_has_one_latency_wherever_time_is_cut(items, cuts):
    memory = UserMemory()
    memory.learn(items, US + 3_000_000)
    edges = [US, *sorted(US + cut for cut in cuts), US + 2_000_001]
    windows = [
        memory.count([item for item in items if start <= item.start_us < end], start) for start, end in itertools.pairwise(edges)
    ]
    whole = memory.count(items, US)
    for track in (CANARY, STABLE):
        failures = sum(found[track].failures for found in windows if track in found)
        latencies = sum((found[track].latency for found in windows if track in found), LatencyHistogram())
        assert failures == (whole[track].failures if track in whole else 0)
        assert latencies == (whole[track].latency if track in whole else LatencyHistogram())
