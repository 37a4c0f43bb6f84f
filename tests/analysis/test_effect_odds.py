from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import nchypergeom_fisher

from tfx_rollout.analysis.effect_odds import LOG_ODDS, log_higher, log_lower, odds_bets, odds_estimate, odds_interval


def tables(rng, control: float, variant: float, shape: tuple[int, ...], users: int = 100):
    bad, good = rng.binomial(users, variant, shape), rng.binomial(users, control, shape)
    full = np.full(shape, users)
    return np.stack([bad, full, good, full], axis=-1)


def test_the_grid_is_finest_around_no_difference_and_reaches_twentyfold():
    assert LOG_ODDS[40] == 0
    assert np.diff(LOG_ODDS)[40] == pytest.approx(0.006)
    assert LOG_ODDS[-1] == pytest.approx(math.log(20))
    assert pytest.approx(-LOG_ODDS[::-1]) == LOG_ODDS


def test_bets_are_the_likelihood_ratios_of_fishers_distribution():
    x, n, y, m = 7, 60, 4, 80
    of = [nchypergeom_fisher(n + m, x + y, n, math.exp(theta)).logpmf(x) for theta in LOG_ODDS]
    assert odds_bets([x, n, y, m]) == pytest.approx(np.array(of) - of[40], abs=1e-9)


def test_under_no_difference_both_e_values_have_a_mean_of_one_at_most():
    n, m, k = 12, 15, 9
    possible = range(max(0, k - m), min(n, k) + 1)
    chance = np.array([nchypergeom_fisher(n + m, k, n, 1.0).pmf(x) for x in possible])
    logs = odds_bets([[x, n, k - x, m] for x in possible])
    for log_e in (log_higher(logs), log_lower(logs)):
        assert chance @ np.exp(log_e) == pytest.approx(1.0)
    worse = np.array([nchypergeom_fisher(n + m, k, n, 0.6).pmf(x) for x in possible])
    assert worse @ np.exp(log_higher(logs)) < 1


def test_the_interval_holds_at_every_look_and_the_estimate_lies_in_it():
    rng, odds = np.random.default_rng(1), (0.12 / 0.88) / (0.1 / 0.9)
    logs = odds_bets(tables(rng, 0.1, 0.12, (150, 40))).cumsum(axis=1)
    missed = 0
    for run in logs:
        ever = [odds_interval(look, 0.1) for look in run[4::5]]
        missed += any(not low <= odds <= high for low, high in ever)
        low, high = ever[-1]
        assert low <= odds_estimate(run[-1]) <= high
    assert missed / len(logs) <= 0.1


def test_the_estimate_comes_near_the_truth_and_nothing_says_nothing():
    rng = np.random.default_rng(2)
    logs = odds_bets(tables(rng, 0.1, 0.15, (500,), users=400)).sum(axis=0)
    assert odds_estimate(logs) == pytest.approx((0.15 / 0.85) / (0.1 / 0.9), rel=0.05)
    assert odds_estimate(np.zeros(81)) == 1
    assert odds_interval(np.zeros(81), 0.05) == (0.0, math.inf)
    assert (odds_bets([0, 50, 0, 60]) == 0).all()
