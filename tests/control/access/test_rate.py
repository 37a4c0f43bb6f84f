"""The token bucket lets through what it says and no more, for each by itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.control.access.rate import RateLimit

waits = st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=60)


@given(st.floats(0.1, 50), st.integers(1, 20), waits)
def test_never_more_than_the_burst_and_the_rate_since_come_through(per_second, burst, pauses):
    limit, now, passed = RateLimit(per_second, burst), 0.0, []
    for pause in pauses:
        now += pause
        if limit.take("ann", now) == 0:
            passed.append(now)
    for i, start in enumerate(passed):
        for j in range(i, len(passed)):
            assert j - i + 1 <= burst + (passed[j] - start) * per_second + 1e-6


@given(st.floats(0.1, 50), st.integers(1, 20), waits)
def test_who_waits_as_long_as_told_is_let_through(per_second, burst, pauses):
    limit, now = RateLimit(per_second, burst), 0.0
    for pause in pauses:
        now += pause
        wait = limit.take("ann", now)
        if wait:
            assert wait <= 1 / per_second + 1e-9
            now += wait + 1e-9
            assert limit.take("ann", now) == 0


def test_the_burst_comes_at_once_and_comes_back_with_time():
    limit = RateLimit(2, 3)
    assert [limit.take("ann", 0.0) for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
    assert limit.take("ben", 0.0) == 0
    assert limit.take("ann", 0.6) == 0
    assert [limit.take("ann", 100.0) for _ in range(3)] == [0, 0, 0]
    assert limit.take("ann", 100.0) > 0


def test_what_costs_more_than_a_burst_waits_for_a_full_bucket_and_is_paid_off():
    limit = RateLimit(1, 10)
    assert limit.take("ann", 0.0, cost=30) == 0
    assert limit.take("ann", 0.0) == pytest.approx(21)
    assert limit.take("ann", 20.5) > 0
    assert limit.take("ann", 21.5) == 0


def test_a_clock_that_goes_back_gives_nothing_away():
    limit = RateLimit(1, 1)
    assert limit.take("ann", 100.0) == 0
    assert limit.take("ann", 50.0) > 0
    assert limit.take("ann", 100.5) > 0


def test_memory_is_bounded():
    limit = RateLimit(1, 1, most=100)
    for number in range(1000):
        limit.take(f"caller {number}", 0.0)
    assert limit.take("caller 999", 0.0) > 0
    assert limit.take("caller 1", 0.0) == 0
    assert len(limit._buckets) == 100


@pytest.mark.parametrize(("per_second", "burst"), [(0, 1), (-1, 5), (1, 0.5), (math.nan, 1)])
def test_a_limit_that_would_let_nothing_through_is_none(per_second, burst):
    with pytest.raises(ValueError, match="would let nothing through"):
        RateLimit(per_second, burst)
