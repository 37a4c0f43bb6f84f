from __future__ import annotations

import numpy as np
import pytest
from paired import rise, rise_of
from scipy import stats


def test_a_rise_of_the_quantile_is_found_through_noise_that_both_halves_share():
    rng = np.random.default_rng(1)
    without, with_ = [], []
    for _ in range(30):
        level = rng.lognormal(sigma=0.5)
        without.append(level * rng.lognormal(sigma=0.3, size=800))
        with_.append(1.2 * level * rng.lognormal(sigma=0.3, size=800))
    found = rise(without, with_, 0.99)
    assert found.low < 20 < found.high
    assert found.percent == pytest.approx(20, abs=4)
    assert found.pairs == 30


def test_a_few_disturbed_pairs_do_not_move_it():
    calm = list(np.random.default_rng(2).normal(0, 0.02, 28))
    assert abs(rise_of([*calm, 3.0, 3.0]).percent) < 2


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    held = sum(found.low <= 0 <= found.high for found in (rise_of(rng.normal(0, 0.1, 20)) for _ in range(400)))
    # Four standard deviations of a binomial below 95 %.
    assert held >= 400 * 0.95 - 4 * np.sqrt(400 * 0.95 * 0.05)


def test_its_ends_are_where_wilcoxons_test_no_longer_rejects():
    ratios = np.random.default_rng(4).normal(0.05, 0.1, 40)
    found = rise_of(ratios)
    for end in (found.low, found.high):
        p = stats.wilcoxon(ratios - np.log1p(end / 100), method="approx").pvalue
        assert p == pytest.approx(0.05, abs=0.01)


def test_pairs_without_answers_are_left_out_and_none_at_all_are_refused():
    full, empty = np.ones(10), np.array([])
    assert rise([full, empty, full], [full, full, full], 0.5).pairs == 2
    with pytest.raises(ValueError, match="no pair"):
        rise([empty], [full], 0.5)
