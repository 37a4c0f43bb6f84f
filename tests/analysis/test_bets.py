from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.analysis import EFFECTS, Table, request_bets, window_bets

counts = st.integers(0, 60)


def factors(table: Table) -> np.ndarray:
    return np.exp(window_bets(table))


@given(counts, counts, st.integers(1, 60))
def test_bets_on_equal_samples_cancel_when_the_counts_are_swapped(x, y, more):
    n = max(x, y) + more
    there, back = factors(Table(x, n, y, n)), factors(Table(y, n, x, n))
    np.testing.assert_allclose((there + back) / 2, 1, rtol=1e-12)


@given(st.integers(0, 200), st.integers(0, 200), st.data())
def test_one_window_at_most_doubles_the_evidence(canary, stable, data):
    table = Table(data.draw(st.integers(0, canary)), canary, data.draw(st.integers(0, stable)), stable)
    assert max(window_bets(table)) <= math.log(2) + 1e-12


@pytest.mark.parametrize(("canary", "stable"), [(5, 40), (40, 5), (12, 12)])
def test_bets_have_mean_one_when_requests_are_slow_together(canary, stable):
    """Both servers stall alike, and a stall makes most of a window slow: requests are far from independent."""
    rng = np.random.default_rng(7)
    total, runs = np.zeros(len(EFFECTS)), 6000
    for _ in range(runs):
        slow = rng.choice([0.02, 0.9], p=[0.8, 0.2], size=2)
        total += factors(Table(rng.binomial(canary, slow[0]), canary, rng.binomial(stable, slow[1]), stable))
    np.testing.assert_allclose(total / runs, 1, atol=4 * 1 / math.sqrt(runs))


def test_bets_of_requests_would_be_far_above_one_there():
    rng = np.random.default_rng(7)
    means = np.mean(
        [
            np.exp(request_bets(Table(rng.binomial(12, slow[0]), 12, rng.binomial(12, slow[1]), 12), 1.0))
            for slow in rng.choice([0.02, 0.9], p=[0.8, 0.2], size=(2000, 2))
        ],
        axis=0,
    )
    assert means.max() > 10


def test_a_slower_canary_raises_and_a_faster_one_lowers_the_evidence():
    assert min(window_bets(Table(9, 40, 20, 400))) > 0
    assert max(window_bets(Table(0, 40, 200, 400))) < 0


def test_bets_of_requests_are_made_at_multiples_of_the_tolerance():
    table = Table(3, 20, 4, 200)
    assert request_bets(table, 1.0) != request_bets(table, 1.25)
    assert len(request_bets(table, 1.25)) == len(EFFECTS)
