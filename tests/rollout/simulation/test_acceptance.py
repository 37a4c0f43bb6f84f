"""The statistical promises, in small: few runs, seeded, against the bounds that so many runs allow. The benchmarks
`error-bounds` and `power` do the same with thousands."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tfx_rollout.rollout import load_plan
from tfx_rollout.rollout.simulation import PROMOTED, ROLLED_BACK, SCENARIOS, UNDECIDED, Runs, Scenario, Users, simulate

RUNS = 100


def share(found: Runs, decision: int) -> float:
    return float((found.decision == decision).mean())


def bound(rate: float) -> float:
    """The rate and three standard errors."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / RUNS)


@pytest.mark.parametrize(
    "name", ["null", "null-clean", "null-incident-ramp", "null-low-traffic", "null-delayed-labels", "null-stalls"]
)
def test_a_sound_canary_is_seldom_rolled_back(quick, name):
    found = simulate(SCENARIOS[name], quick(), runs=RUNS, rps=50, seed=1, most_seconds=600)
    assert share(found, ROLLED_BACK) <= bound(0.05)


def test_alpha_holds_at_the_edge_of_what_is_tolerated(quick):
    plan = quick(errors={"tolerance": 1.0}, latency={"weight": 0}, predictions={"weight": 0}, accuracy={"weight": 0})
    failing = replace(SCENARIOS["null"].stable, failure_rate=0.05)
    busy = Scenario("busy", "both versions fail on 5 %", failing, failing)
    found = simulate(busy, plan, runs=RUNS, rps=50, seed=1, most_seconds=900)
    assert share(found, ROLLED_BACK) <= bound(plan.alpha)


def test_sticky_users_are_compared_as_users_since_their_requests_are_not_independent(quick):
    plan = quick(errors={"tolerance": 1.0}, latency={"weight": 0}, predictions={"weight": 0}, accuracy={"weight": 0})
    sticky = replace(SCENARIOS["null-sticky"], users=Users(number=3000, failing_share=0.02, failing_rate=0.3))
    by_user, by_request = (
        simulate(replace(sticky, counted_by_user=counted), plan, runs=RUNS, rps=50, seed=1, most_seconds=600)
        for counted in (True, False)
    )
    assert share(by_user, ROLLED_BACK) <= bound(0.05)
    assert share(by_request, ROLLED_BACK) >= 0.2


@pytest.mark.parametrize("name", ["boundary-1", "boundary-5", "boundary-25", "boundary-50"])
def test_a_canary_that_is_exactly_bad_seldom_passes_a_gate(name):
    found = simulate(SCENARIOS[name], load_plan("default"), runs=RUNS, rps=50, seed=1, most_seconds=600)
    assert share(found, PROMOTED) <= bound(0.05)
    assert share(found, PROMOTED) + share(found, UNDECIDED) == 1


@pytest.mark.parametrize("number", [1, 3])
def test_a_canary_that_errs_exactly_too_often_seldom_passes_the_gate_of_accuracy(number):
    plan = load_plan("default")
    stage = plan.stages[number]
    odds = 0.1 / 0.9 * max(1.4, stage.bad_odds_ratio**0.5)
    wrong = replace(SCENARIOS["null"], canary=replace(SCENARIOS["null"].stable, wrong_rate=odds / (1 + odds)))
    others = {name: replace(getattr(plan, name), weight=0.0) for name in ("errors", "latency", "predictions")}
    gate_alone = replace(plan, stages=(stage,), alpha=1e-300, **others)
    found = simulate(wrong, gate_alone, runs=RUNS, rps=50, seed=1, most_seconds=1200)
    assert share(found, PROMOTED) <= bound(plan.beta)


@pytest.mark.parametrize(
    ("name", "minutes"), [("errors-x5", 9), ("errors-10pct", 2), ("latency-x1.5", 3), ("accuracy-10pt", 9), ("class-shift", 9)]
)
def test_a_worse_canary_is_rolled_back_in_minutes(quick, name, minutes):
    found = simulate(SCENARIOS[name], quick(), runs=50, rps=50, seed=1)
    assert share(found, ROLLED_BACK) >= 0.95
    assert sorted(found.seconds / 60)[len(found) // 2] <= minutes


def test_the_default_plan_promotes_a_sound_canary_within_25_minutes():
    found = simulate(SCENARIOS["null-clean"], load_plan("default"), runs=40, rps=50, seed=1)
    assert share(found, PROMOTED) >= 0.95
    assert sorted(found.seconds / 60)[len(found) // 2] <= 25
