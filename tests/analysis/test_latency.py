from __future__ import annotations

import pytest

from tfx_rollout.analysis import canary_limit_us, gate_odds_ratio, max_slow_rate


def test_the_slack_matters_for_fast_answers_and_the_ratio_for_slow_ones():
    assert canary_limit_us([2_000, 100_000], 1.1, 1.0).tolist() == pytest.approx([3_000, 110_000])


def test_the_slow_rate_that_is_bad_follows_from_the_quantile_and_the_odds_ratio():
    assert max_slow_rate(0.99, 1.0) == pytest.approx(0.01)
    assert max_slow_rate([0.99, 0.90], [3.0, 10.0]).tolist() == pytest.approx([3 / 102, 10 / 19])


def test_the_margin_follows_from_how_rare_slow_answers_are():
    stages = [10.0, 4.0, 2.0, 1.5]
    assert (gate_odds_ratio(0.90, stages) <= stages).all()
    assert (gate_odds_ratio(0.90, stages) >= 1.4).all()
    assert (gate_odds_ratio(0.99, stages) >= gate_odds_ratio(0.90, stages)).all()
    assert gate_odds_ratio(0.99, stages).tolist() == pytest.approx([7.0, 3.0, 3.0, 3.0])
