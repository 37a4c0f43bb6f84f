from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tfx_rollout.analysis import flagged
from tfx_rollout.analysis.closed_testing import log_adjusted


@pytest.mark.parametrize("hypotheses", [1, 2, 5])
def test_it_is_the_least_mean_over_all_sets_that_a_hypothesis_belongs_to(hypotheses):
    rng = np.random.default_rng(hypotheses)
    e = np.exp(rng.normal(0, 4, (50, hypotheses)))
    least = np.full(e.shape, np.inf)
    for size in range(1, hypotheses + 1):
        for members in combinations(range(hypotheses), size):
            mean = e[:, members].mean(axis=1)
            for one in members:
                least[:, one] = np.minimum(least[:, one], mean)
    assert np.exp(log_adjusted(np.log(e))) == pytest.approx(least)


def test_it_rejects_what_closed_testing_flags():
    rng = np.random.default_rng(3)
    for log_e in rng.normal(2, 2, (200, 6)):
        assert (log_adjusted(log_e) >= np.log(20)).tolist() == flagged(log_e, np.ones(6), 20.0).tolist()


def test_e_values_of_nothing_and_beyond_all_numbers_are_no_trouble():
    assert np.exp(log_adjusted([-np.inf, np.log(40)])) == pytest.approx([0, 20])
    assert log_adjusted([5000.0, 5000.0, 0.0])[0] == pytest.approx(5000 - np.log(2 / 1) + np.log(1), abs=1)
