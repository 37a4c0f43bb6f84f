from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.analysis import flagged


def by_all_subsets(log_e: list[float], weights: list[float], threshold: float) -> list[bool]:
    """The definition: every set that a metric belongs to has a weighted mean of at least the threshold."""

    def every(metric: int) -> bool:
        others = [m for m in range(len(log_e)) if m != metric and weights[m] > 0]
        sets = [(metric, *chosen) for size in range(len(others) + 1) for chosen in combinations(others, size)]
        return all(
            sum(weights[m] * math.exp(log_e[m]) for m in chosen) >= threshold * sum(weights[m] for m in chosen) for chosen in sets
        )

    return [weights[m] > 0 and every(m) for m in range(len(log_e))]


@given(
    st.lists(
        st.tuples(st.floats(-5, 8), st.sampled_from([0.0, 0.05, 0.1, 0.25, 0.5, 1.0])),
        min_size=1,
        max_size=7,
    )
)
def test_the_flagged_are_those_of_closed_testing_over_all_subsets(metrics):
    log_e, weights = [log for log, _ in metrics], [weight for _, weight in metrics]
    assert flagged(log_e, weights, 20.0).tolist() == by_all_subsets(log_e, weights, 20.0)


def test_one_guilty_metric_among_four_is_named_alone():
    weights = [0.25] * 4
    assert flagged(np.log([100.0, 1.0, 0.5, 0.1]), weights, 20.0).tolist() == [True, False, False, False]


def test_a_metric_that_only_just_rolls_back_with_the_others_help_is_not_named():
    log_e = np.log([50.0, 19.0, 10.0])
    assert np.exp(log_e).mean() >= 20
    assert flagged(log_e, [1 / 3] * 3, 20.0).tolist() == [True, False, False]
    assert flagged(np.log([25.0, 15.0, 10.0]), [1 / 3] * 3, 20.0).tolist() == [False, False, False]


def test_evidence_beyond_all_bounds_names_its_metric():
    assert flagged([1e6, 0.0], [0.5, 0.5], 20.0).tolist() == [True, False]
    assert flagged([1e6, -math.inf], [0.5, 0.5], 20.0).tolist() == [True, False]


def test_what_does_not_count_is_never_to_blame():
    assert flagged([9.0, 9.0], [1.0, 0.0], 20.0).tolist() == [True, False]


def test_innocent_metrics_are_seldom_named_though_another_one_is_guilty():
    """Three e-values at the boundary of their null hypothesis beside one that is as guilty as can be."""
    rng, runs = np.random.default_rng(6), 4000
    drift = 3.0
    innocent = drift * rng.normal(size=(runs, 3)) - drift**2 / 2
    named = [flagged([50.0, *row], [0.25] * 4, 20.0)[1:].any() for row in innocent]
    assert np.mean(named) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize("threshold", [20.0, 1000.0])
def test_a_single_metric_is_flagged_exactly_from_the_threshold_on(threshold):
    assert flagged([math.log(threshold) + 1e-9], [1.0], threshold).tolist() == [True]
    assert flagged([math.log(threshold) - 1e-9], [1.0], threshold).tolist() == [False]
