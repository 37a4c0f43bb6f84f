from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.evidence import LatencyHistogram
from tfx_rollout.metrics.cell import BUCKETS, LONGEST_US, Cell, Tally

REQUESTS = st.lists(st.tuples(st.sampled_from(["OK", "INTERNAL", "NOT_FOUND"]), st.floats(0, 1e12)), max_size=60)


def cell_of(requests):
    tally = Tally()
    for code, duration_us in requests:
        tally.add(code, duration_us)
    return tally.cell()


def histogram(cell):
    return dict(zip(cell.buckets, cell.counts, strict=True))


@given(REQUESTS, REQUESTS)
def test_adding_cells_is_counting_all_their_requests_at_once(one, other):
    assert cell_of(one) + cell_of(other) == cell_of(one + other)


@given(REQUESTS)
def test_a_cell_has_the_histogram_that_evidence_has(requests):
    expected = LatencyHistogram.of(min(duration_us, LONGEST_US) for _, duration_us in requests).counts
    assert histogram(cell_of(requests)) == expected


def test_whatever_took_longest_has_a_bucket():
    assert max(histogram(cell_of([("OK", 1e15)]))) == BUCKETS - 1


def test_labels_add_up_beside_the_requests():
    cell = cell_of([("OK", 10)]) + Cell(labelled=1, correct=1) + Cell(labelled=1)
    assert (cell.requests, cell.labelled, cell.correct) == (1, 2, 1)


def test_the_sums_of_counts_do_not_overflow_in_a_small_number():
    cell = cell_of([("OK", 10)] * 70_000)
    assert histogram(cell + cell) == {0: 140_000}
