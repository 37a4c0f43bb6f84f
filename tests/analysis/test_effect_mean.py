from __future__ import annotations

import numpy as np
import pytest

from tfx_rollout.analysis.effect_mean import (
    DIFFERENCES,
    NO_DIFFERENCE,
    RATES,
    differences,
    log_larger,
    log_smaller,
    mean_bets,
    mean_interval,
)


def test_each_user_of_the_smaller_arm_is_set_against_his_stretch_of_the_larger_one():
    assert differences([5, 1], [1, 2, 3, 4, 5], span=4) == pytest.approx([(5 - 1.5) / 4, (1 - 4) / 4])
    assert differences([1, 2, 3, 4], [2, 2], span=4) == pytest.approx([-0.125, 0.375])
    assert differences([3], [], span=4).size == 0


def test_bets_win_and_lose_as_they_say():
    logs = mean_bets([0.5, -1.0], NO_DIFFERENCE)
    assert np.exp(logs[0, 0]) == pytest.approx((1 + RATES * 0.5) * (1 - RATES))
    assert np.exp(logs[0, 1]) == pytest.approx((1 - RATES * 0.5) * (1 + RATES))


def test_no_difference_can_ruin_a_bet_and_what_is_not_there_changes_nothing():
    everything = mean_bets([1.0, -1.0], DIFFERENCES)
    assert np.isfinite(everything).all()
    padded = mean_bets([0.5, 0.25, 0.0], DIFFERENCES, [True, True, False])
    assert (padded == mean_bets([0.5, 0.25], DIFFERENCES)).all()


def test_under_no_difference_the_evidence_stays_below_its_bound_at_all_looks():
    rng = np.random.default_rng(1)
    pairs = rng.choice([1, 2, 3, 4, 5], (1500, 300)) / 4 - rng.choice([1, 2, 3, 4, 5], (1500, 300)) / 4
    logs = np.stack([mean_bets(pairs[:, : n + 1][:, -10:], NO_DIFFERENCE)[:, 0] for n in range(9, 300, 10)], axis=1).cumsum(
        axis=1
    )
    for log_e in (log_larger(logs), log_smaller(logs)):
        assert (log_e.max(axis=1) >= np.log(20)).mean() <= 0.05


def test_the_interval_holds_the_true_difference_and_narrows():
    rng, missed = np.random.default_rng(2), 0
    for _ in range(40):
        logs, widths = np.zeros((81, 2, 7)), []
        for _ in range(12):
            mine, others = rng.normal(3.2, 0.8, 60).clip(1, 5), rng.normal(3.0, 0.8, 90).clip(1, 5)
            logs = logs + mean_bets(differences(mine, others, 4), DIFFERENCES)
            low, high = mean_interval(logs, 0.1, 4)
            widths.append(high - low)
            missed += not low <= 0.198 <= high
        assert widths[-1] < widths[1]
        assert widths[-1] < 0.6
    assert missed / 480 <= 0.1
    assert mean_interval(np.zeros((81, 2, 7)), 0.05, 4) == (-4, 4)
