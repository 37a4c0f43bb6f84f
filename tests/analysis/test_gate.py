from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from tfx_rollout.analysis import GOOD_ODDS_RATIOS, GOOD_RATES, answers, good, log_absolute, log_joint, log_relative

NEEDED = math.log(20)


def passed(tables: np.ndarray, bad_odds_ratio: float, max_rate: float) -> np.ndarray:
    """Whether each run of windows `(W, R, 4)` ever passes: `(R,)`."""
    sums = np.cumsum(tables, axis=0)
    (bets,) = answers(good(tables, bad_odds_ratio))
    relative = log_relative(np.cumsum(bets, axis=0), bad_odds_ratio)
    joint = log_joint(relative, log_absolute(sums[..., 0], sums[..., 1], max_rate))
    return (joint >= NEEDED).any(axis=0)


def test_the_weights_of_good_rates_add_up_to_one():
    assert sum(weight for _, weight in GOOD_RATES) == pytest.approx(1)
    assert all(0 <= part < 1 for part, _ in GOOD_RATES)


@pytest.mark.parametrize(("rate", "fewest"), [(0.01, 299), (0.001, 2995)])
def test_hardly_more_clean_requests_are_needed_than_the_fewest_possible(rate, fewest):
    requests = np.arange(1, 2 * fewest)
    first = requests[log_absolute(np.zeros_like(requests), requests, rate) >= NEEDED][0]
    assert fewest <= first <= 1.04 * fewest


def test_without_any_failure_the_joint_evidence_needs_fewer_than_390_clean_requests():
    requests = np.arange(1, 500)
    joint = log_joint(log_relative(np.zeros(len(GOOD_ODDS_RATIOS)), 3.0), log_absolute(0 * requests, requests, 0.01))
    assert log_relative(np.zeros(len(GOOD_ODDS_RATIOS)), 3.0) == 0  # relative evidence alone would never come
    assert 370 <= requests[joint >= NEEDED][0] <= 390


@pytest.mark.parametrize("rate", [0.01, 0.013, 0.3, 0.99])
def test_the_absolute_bet_has_a_mean_of_at_most_one_at_or_above_the_maximum(rate):
    for requests in (1, 7, 120):
        bad = np.arange(requests + 1)
        mean = float((binom.pmf(bad, requests, rate) * np.exp(log_absolute(bad, requests, 0.01))).sum())
        assert mean <= 1 + 1e-9
        if rate == 0.01:
            assert mean == pytest.approx(1)


def test_a_failure_ends_the_bet_on_never_but_not_the_others():
    clean, failed = log_absolute(0, 500, 0.01), log_absolute(1, 501, 0.01)
    assert -math.inf < failed < clean


def test_a_canary_at_the_maximum_rate_ever_passes_in_less_than_beta_of_all_stages():
    rng, runs = np.random.default_rng(3), 2000
    failures = np.cumsum(rng.binomial(20, 0.01, size=(150, runs)), axis=0)
    reached = log_absolute(failures, 20 * np.arange(1, 151)[:, None], 0.01) >= NEEDED
    assert reached.any(axis=0).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize(("share", "bad_odds_ratio"), [(0.01, 10.0), (0.05, 4.0), (0.5, 1.5)])
def test_a_canary_that_is_bad_in_both_senses_ever_passes_in_less_than_beta_of_all_stages(share, bad_odds_ratio):
    """Failures at 1 % against odds that much smaller, 120 looks: exactly at both margins."""
    rng, runs = np.random.default_rng(5), 1000
    odds = 0.01 / 0.99 / bad_odds_ratio
    canary = rng.binomial(600, share, (120, runs))
    tables = np.stack([rng.binomial(canary, 0.01), canary, rng.binomial(600 - canary, odds / (1 + odds)), 600 - canary], axis=-1)
    assert passed(tables, bad_odds_ratio, 0.01).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_failures_that_stable_has_too_do_not_block_a_canary_above_the_maximum_rate():
    tables = np.array([[[1, 40, 9, 360]]] * 40)
    assert log_absolute(40, 1600, 0.01) < 0
    assert passed(tables, 3.0, 0.01).all()


def test_only_odds_ratios_below_the_bad_one_are_bet_on():
    (bets,) = answers(good([[3, 50, 3, 50], [3, 50, 3, 50]], np.array([1.1, 0.5])))
    assert bets[0, 0] != 0
    assert bets[0, 1] == 0
    assert log_relative(bets[0], 1.1) == bets[0, 0]
    assert bets[1].tolist() == [0.0, 0.0]
    assert log_relative(bets[1], 0.5) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 400), st.sampled_from([1.1, 2.0, 10.0])), min_size=1, max_size=9))
def test_an_elements_bits_do_not_depend_on_the_batch(rows):
    bad, rest, margins = (np.array(column) for column in zip(*rows, strict=True))
    tables = np.stack([bad, bad + rest, bad + 1, bad + rest + 40], axis=-1)
    (bets,) = answers(good(tables, margins))
    relative = log_relative(bets, margins)
    absolute = log_absolute(bad, bad + rest, 0.01 * margins)
    joint = log_joint(relative, absolute)
    for i in range(len(rows)):
        (own,) = answers(good(tables[i : i + 1], margins[i]))
        alone = log_relative(own[0], margins[i])
        alone_absolute = log_absolute(bad[i], bad[i] + rest[i], 0.01 * margins[i])
        assert alone.tobytes() == relative[i].tobytes()
        assert alone_absolute.tobytes() == absolute[i].tobytes()
        assert log_joint(alone, alone_absolute).tobytes() == joint[i].tobytes()
