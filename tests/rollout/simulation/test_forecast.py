from __future__ import annotations

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.rollout.simulation.forecast import BaseRates, good_model, regressions


def test_the_good_model_is_as_good_as_stable_and_every_other_one_is_not():
    base = BaseRates(failure_rate=0.01, median_ms=20.0, accuracy=0.8)
    assert good_model(base).null
    assert good_model(base).stable.failure_rate == 0.01
    assert all(not scenario.null for scenario in regressions(base))
    names = {scenario.name for scenario in regressions(base)}
    assert {"errors-x2", "errors-x5", "errors-10pct", "latency-x1.2", "accuracy-3pt", "class-shift"} <= names


def test_what_cannot_be_worse_is_left_out():
    names = {scenario.name for scenario in regressions(BaseRates(failure_rate=0.0, labelled=0.0))}
    assert not any(name.startswith(("errors-x", "accuracy")) for name in names)
    assert {"errors-10pct", "latency-x1.5"} <= names


def test_impossible_base_rates_are_all_said_at_once():
    with pytest.raises(InvalidInput) as refused:
        BaseRates(rps=0, failure_rate=0.7, accuracy=1.2)
    for field in ("rps is 0", "failure_rate is 0.7", "accuracy is 1.2"):
        assert field in str(refused.value)
