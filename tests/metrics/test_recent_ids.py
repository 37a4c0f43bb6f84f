from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.metrics.recent_ids import RecentIds

ENTRIES = st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc")), max_size=60)


@given(ENTRIES, st.lists(st.integers(0, 40)))
def test_every_value_of_an_id_is_found_oldest_first(entries, wanted):
    recent = RecentIds(most=1000, chunk=7)
    for request_id, value in entries:
        recent.add(request_id, value)
    expected = {one: [value for request_id, value in entries if request_id == one] for one in set(wanted)}
    assert recent.find(wanted) == {one: values for one, values in expected.items() if values}


def test_the_oldest_are_forgotten_a_chunk_at_a_time():
    recent = RecentIds(most=20, chunk=10)
    for request_id in range(35):
        recent.add(request_id, "a")
    assert sorted(recent.find(range(35))) == list(range(10, 35))


def test_ids_use_all_their_64_bits():
    recent = RecentIds(most=10, chunk=2)
    for request_id in (2**64 - 1, 2**63, 1):
        recent.add(request_id, request_id)
    assert recent.find([2**64 - 1, 2**63, 1]) == {2**64 - 1: [2**64 - 1], 2**63: [2**63], 1: [1]}
