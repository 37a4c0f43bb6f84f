from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from tfx_rollout.analysis import EFFECTS, limit_bets


def test_effects_are_above_what_is_tolerated():
    assert (EFFECTS > 1).all()


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.3])
@pytest.mark.parametrize("trials", [1, 7, 300])
def test_limit_bets_have_a_mean_of_one_at_the_limit_and_less_below(limit, trials):
    bad = np.arange(trials + 1)
    bets = limit_bets(bad, trials, limit)

    def means(rate: float) -> np.ndarray:
        return np.exp(binom.logpmf(bad, trials, rate)[:, None] + bets).sum(axis=0)

    np.testing.assert_allclose(means(limit), 1, rtol=1e-9)
    for rate in (0.0, limit / 3, 0.9 * limit):
        assert (means(rate) <= 1).all()


def test_limit_bets_are_likelihood_ratios_of_the_odds():
    limit, bad, trials = 0.02, 5, 90
    odds = limit / (1 - limit) * EFFECTS
    q = odds / (1 + odds)
    expected = bad * np.log(q / limit) + (trials - bad) * np.log((1 - q) / (1 - limit))
    np.testing.assert_allclose(limit_bets(bad, trials, limit), expected, rtol=1e-12)


def test_limit_bets_are_linear_in_counts_however_large():
    one = limit_bets(3, 1000, 0.001)
    np.testing.assert_allclose(limit_bets(3_000_000, 1_000_000_000, 0.001), 1e6 * one, rtol=1e-12)


def test_a_limit_that_everything_keeps_says_nothing_and_one_of_nothing_fears_any_bad_event():
    np.testing.assert_allclose(limit_bets(40, 40, 1.0), 0, atol=1e-12)
    assert limit_bets(0, 1000, 0.0).tolist() == [0.0] * len(EFFECTS)
    assert (limit_bets(1, 1000, 0.0) > 0).all()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 900)), min_size=1, max_size=9), st.data())
def test_limit_bets_have_the_same_bits_alone_and_in_any_batch(counts, data):
    bad, trials = np.array([x for x, _ in counts]), np.array([x + good for x, good in counts])
    limits = np.array(data.draw(st.lists(st.floats(1e-6, 0.999), min_size=len(counts), max_size=len(counts))))
    together = limit_bets(bad, trials, limits)
    for x, n, limit, row in zip(bad, trials, limits, together, strict=True):
        assert limit_bets(x, n, limit).tobytes() == row.tobytes()


def test_a_limit_is_seldom_said_to_be_passed_by_who_keeps_it():
    """Failures at exactly the limit, a look after each of 200 windows."""
    rng, runs = np.random.default_rng(2), 2000
    trials = rng.poisson(40, (200, runs))
    logs = np.cumsum(limit_bets(rng.binomial(trials, 0.01), trials, 0.01), axis=0)
    alarms = (np.exp(logs).mean(axis=-1) >= 20).any(axis=0)
    assert alarms.mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
