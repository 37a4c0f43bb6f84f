from __future__ import annotations

from dataclasses import replace

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.rollout import load_plan
from tfx_rollout.rollout.simulation import SCENARIOS, arranged, scenario_named

DEFAULT = load_plan("default")


def odds(rate: float) -> float:
    return rate / (1 - rate)


def test_an_unknown_scenario_is_answered_with_all_there_are():
    with pytest.raises(InvalidInput) as refused:
        scenario_named("errors-x3")
    assert all(name in str(refused.value) for name in SCENARIOS)


def test_in_a_null_scenario_the_versions_are_alike_and_in_no_other():
    for name, scenario in SCENARIOS.items():
        assert scenario.null == name.startswith("null"), name


def test_low_traffic_is_low_however_much_is_asked_for():
    low = SCENARIOS["null-low-traffic"]
    assert (low.rps(50), low.rps(1)) == (2, 1)
    assert SCENARIOS["null"].rps(500) == 500


@pytest.mark.parametrize(("name", "number"), [("boundary-1", 0), ("boundary-5", 1), ("boundary-25", 2), ("boundary-50", 3)])
def test_a_boundary_meets_both_senses_of_bad_exactly_at_one_stage(name: str, number: int):
    stage = DEFAULT.stages[number]
    scenario, plan = arranged(SCENARIOS[name], DEFAULT)
    assert plan.stages == (stage,)
    assert set(plan.weights()) == {"errors"}
    assert scenario.canary.failure_rate == stage.max_failure_rate
    ratio = odds(scenario.canary.failure_rate) / odds(scenario.stable.failure_rate)
    assert ratio == pytest.approx(stage.bad_odds_ratio)


def test_a_boundary_that_the_plan_has_no_stage_for_is_refused():
    with pytest.raises(InvalidInput, match=r"needs a stage with a share of 0\.05, and plan demo has 0\.1, 0\.5"):
        arranged(SCENARIOS["boundary-5"], load_plan("demo"))


def test_sticky_users_are_the_units_unless_that_is_switched_off():
    sticky = SCENARIOS["null-sticky"]
    assert arranged(sticky, DEFAULT)[1].unit == "user"
    assert arranged(replace(sticky, counted_by_user=False), DEFAULT)[1] == DEFAULT
    assert arranged(SCENARIOS["null"], DEFAULT)[1] == DEFAULT
