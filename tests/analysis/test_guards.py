from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from tfx_rollout.analysis import GUARD_ALPHA, SPLIT_EFFECTS, answers, log_weighted_mean, split_bets, uneven, worse

THRESHOLD = 1 / GUARD_ALPHA


def evidence(canary: np.ndarray, total: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """The logarithm of the evidence after each window `(W, R)`."""
    logs = np.cumsum(split_bets(canary, total, share), axis=0)
    return log_weighted_mean(logs, np.ones(len(SPLIT_EFFECTS)))


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.25, 0.5, 0.99])
def test_split_bets_have_a_mean_of_one_where_the_split_is_kept(share):
    total = 200
    canary = np.arange(total + 1)
    means = np.exp(binom.logpmf(canary, total, share)[:, None] + split_bets(canary, total, share)).sum(axis=0)
    np.testing.assert_allclose(means, 1, rtol=1e-9)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_without_a_draw_there_is_nothing_to_see(share):
    assert split_bets(3, 100, share).tolist() == [0.0] * len(SPLIT_EFFECTS)


def test_split_bets_are_linear_in_counts_however_large():
    np.testing.assert_allclose(split_bets(90_000_000, 1_000_000_000, 0.1), 1e7 * split_bets(9, 100, 0.1), rtol=1e-12)


def test_a_kept_split_is_practically_never_doubted_over_a_ramp():
    rng, runs = np.random.default_rng(9), 4000
    share = np.repeat([0.01, 0.05, 0.25, 0.5], 40)[:, None]
    total = rng.poisson(500, (160, runs))
    raised = (evidence(rng.binomial(total, share), total, share) >= math.log(THRESHOLD)).any(axis=0)
    assert raised.mean() <= GUARD_ALPHA + 3 * math.sqrt(GUARD_ALPHA / runs)


@pytest.mark.parametrize(("share", "real", "minutes"), [(0.05, 0.10, 1), (0.05, 0.025, 2), (0.5, 0.53, 3), (0.25, 0.22, 4)])
def test_a_split_that_is_not_kept_is_found_either_way(share, real, minutes):
    rng, runs = np.random.default_rng(9), 200
    total = rng.poisson(500, (90, runs))
    raised = evidence(rng.binomial(total, real), total, share) >= math.log(THRESHOLD)
    assert raised.any(axis=0).all()
    assert np.median(raised.argmax(axis=0) + 1) / 6 <= minutes


def test_the_share_may_change_from_window_to_window():
    shares = np.array([0.01, 0.5, 0.0])
    together = split_bets([3, 40, 0], [100, 90, 80], shares)
    for canary, total, share, row in zip([3, 40, 0], [100, 90, 80], shares, together, strict=True):
        assert split_bets(canary, total, share).tobytes() == row.tobytes()


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200), st.integers(0, 200))
def test_missing_labels_are_compared_both_ways(x, y, more, others):
    table = [x, x + more, y, y + others]
    (bets,) = answers(uneven([table, [9, 30, 4, 60]]))
    (one_way,) = answers(worse([table, [9, 30, 4, 60]], 1.0))
    (other_way,) = answers(worse([[*table[2:], *table[:2]], [4, 60, 9, 30]], 1.0))
    assert bets[:2].tobytes() == one_way.tobytes()
    assert bets[2:].tobytes() == other_way.tobytes()


def test_labels_that_go_missing_on_one_track_raise_the_row_of_that_track_alone():
    many_canary, many_stable = [80, 100, 400, 1000], [20, 100, 600, 1000]
    (bets,) = answers(uneven([many_canary, many_stable]))
    by_canary, by_stable = np.exp(bets).mean(axis=-1).reshape(2, 2)
    assert by_canary[0] > THRESHOLD > 1 > by_stable[0]
    assert by_stable[1] > THRESHOLD > 1 > by_canary[1]
