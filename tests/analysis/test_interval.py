from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.analysis import Table, odds_ratio_interval, windows_to_go


@pytest.mark.parametrize("true", [0.4, 1.0, 5.0])
def test_the_interval_covers_the_odds_ratio_of_a_table_that_was_fixed_in_advance(true):
    rng, runs, covered = np.random.default_rng(8), 100, 0
    odds = 0.02 / 0.98 * true
    for _ in range(runs):
        low, high = odds_ratio_interval(Table(rng.binomial(500, odds / (1 + odds)), 500, rng.binomial(5000, 0.02), 5000))
        covered += low <= true <= high
    assert covered / runs >= 0.95


@given(st.integers(0, 60), st.integers(0, 500), st.integers(0, 60), st.integers(0, 500))
def test_the_interval_holds_the_odds_ratio_that_was_seen(x, canary, y, stable):
    low, high = odds_ratio_interval(Table(x, x + canary, y, y + stable))
    seen = (x + 0.5) * (stable + 0.5) / ((canary + 0.5) * (y + 0.5))
    assert low <= seen <= high


def test_more_requests_make_the_interval_narrower():
    widths = []
    for scale in (1, 10, 1000):
        low, high = odds_ratio_interval(Table(4 * scale, 100 * scale, 20 * scale, 1000 * scale))
        widths.append(math.log(high / low))
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.3


def test_a_table_that_says_nothing_leaves_everything_open():
    assert odds_ratio_interval(Table(0, 100, 0, 900)) == (0.0, math.inf)
    assert odds_ratio_interval(Table()) == (0.0, math.inf)


def test_without_a_bad_event_on_one_side_one_end_stays_open():
    low, high = odds_ratio_interval(Table(0, 1000, 60, 1000))
    assert low == 0.0
    assert high < 0.5


def test_a_smaller_alpha_makes_the_interval_wider():
    table = Table(9, 300, 40, 3000)
    low, high = odds_ratio_interval(table, 0.05)
    wider_low, wider_high = odds_ratio_interval(table, 0.001)
    assert wider_low < low < high < wider_high


def test_what_is_missing_comes_at_the_pace_so_far():
    assert windows_to_go(1.0, 3.0, 10) == pytest.approx(20)
    assert windows_to_go(3.0, 3.0, 10) == 0.0


@pytest.mark.parametrize(("log_e", "windows"), [(0.0, 10), (-1.0, 10), (1.0, 0)])
def test_evidence_that_does_not_grow_has_no_end_in_sight(log_e, windows):
    assert windows_to_go(log_e, 3.0, windows) is None
