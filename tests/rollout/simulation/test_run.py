from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from tfx_rollout.rollout.simulation import (
    PROMOTED,
    ROLLED_BACK,
    SCENARIOS,
    UNDECIDED,
    Order,
    Runs,
    simulate,
    simulate_all,
    summary,
)

FAILING = SCENARIOS["errors-10pct"]


def same(one: Runs, other: Runs) -> bool:
    return all((getattr(one, f.name) == getattr(other, f.name)).all() for f in fields(Runs))


def test_the_same_seed_gives_the_same_runs_whoever_shares_the_work(quick, monkeypatch):
    monkeypatch.setattr("tfx_rollout.rollout.simulation.run.BLOCK", 8)
    alone, shared = (simulate(FAILING, quick(), runs=20, rps=50, seed=4, workers=workers) for workers in (1, 2))
    assert same(alone, shared)
    other = simulate(FAILING, quick(), runs=20, rps=50, seed=5)
    assert (alone.canary_requests != other.canary_requests).any()


def test_a_block_does_not_depend_on_how_many_there_are(quick, monkeypatch):
    monkeypatch.setattr("tfx_rollout.rollout.simulation.run.BLOCK", 8)
    few, many = (simulate(FAILING, quick(), runs=runs, rps=50, seed=4) for runs in (8, 24))
    assert same(few, many.chosen(np.arange(24) < 8))


def test_several_orders_are_answered_each_by_its_own_runs(quick):
    orders = [Order(SCENARIOS[name], quick(), runs, 50, 1) for name, runs in (("errors-50pct", 5), ("errors-10pct", 7))]
    told: list[int] = []
    first, second = simulate_all(orders, progress=told.append)
    assert (len(first), len(second)) == (5, 7)
    assert same(second, simulate(FAILING, quick(), runs=7, rps=50, seed=1))
    assert told == [5, 12]


def test_a_good_canary_goes_through_every_stage_and_a_bad_one_does_not(quick):
    good, bad = (simulate(SCENARIOS[name], quick(), runs=20, rps=100) for name in ("null-clean", "errors-50pct"))
    assert (good.decision == PROMOTED).all()
    assert (good.stage_seconds > 0).all()
    assert (bad.decision == ROLLED_BACK).all()
    assert (bad.stage_seconds[:, 1] == 0).all()
    assert bad.seconds.max() < good.seconds.min()


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_comes_after_the_waiting_time_and_takes_effect_a_window_later(quick, seed):
    prompt, slow = (simulate(FAILING, quick(waiting_seconds=waiting), runs=1, rps=50, seed=seed) for waiting in (0, 10))
    assert slow.seconds[0] == prompt.seconds[0] + 10
    assert slow.stage_seconds[0, 0] == prompt.stage_seconds[0, 0] + 10
    assert slow.canary_requests[0] > prompt.canary_requests[0]


def test_without_a_decision_in_time_a_run_is_undecided(quick):
    found = simulate(SCENARIOS["null"], quick(), runs=5, rps=5, most_seconds=60)
    assert (found.decision == UNDECIDED).all()
    assert (found.seconds == 60).all()
    assert (found.stage_seconds[:, 0] == 60).all()


def test_a_person_who_is_asked_about_drift_says_no(quick):
    drift = {"tolerance": 1.2}
    asked = simulate(SCENARIOS["class-shift"], quick(predictions=drift), runs=20, rps=100)
    assert (asked.decision == ROLLED_BACK).all()
    assert asked.asked.mean() >= 0.9
    drastic = simulate(SCENARIOS["class-shift"], quick(predictions={**drift, "action": "rollback"}), runs=20, rps=100)
    assert (drastic.decision == ROLLED_BACK).all()
    assert not drastic.asked.any()


@pytest.mark.parametrize(
    ("policy", "decision", "asked"),
    [("hold", UNDECIDED, False), ("ask", ROLLED_BACK, True), ("rollback", ROLLED_BACK, False), ("advance", PROMOTED, False)],
)
def test_an_inconclusive_stage_ends_as_the_plan_has_it(quick, policy, decision, asked):
    plan = quick()
    hurried = replace(plan, beta=1e-12)
    stages = tuple(replace(stage, max_seconds=130.0, on_inconclusive=policy) for stage in plan.stages)
    found = simulate(SCENARIOS["null-clean"], replace(hurried, stages=stages), runs=10, rps=50, most_seconds=600)
    assert (found.decision == decision).all()
    assert (found.asked == asked).all()


def test_stages_of_every_kind_are_gone_through(quick):
    stages = [
        {"kind": "shadow", "mirror": 0.5, "min_seconds": 60},
        {"kind": "header", "min_seconds": 60},
        {"share": 0.5, "min_seconds": 60},
        {"kind": "bake", "hold_back": 0.1, "min_seconds": 300},
    ]
    found = simulate(SCENARIOS["null-clean"], quick(stages=stages), runs=10, rps=100)
    assert (found.decision == PROMOTED).all()
    assert (found.stage_seconds > 0).all()
    assert (found.stage_seconds[:, 3] >= 300).all()
    wrong = simulate(SCENARIOS["accuracy-10pt"], quick(stages=stages), runs=10, rps=100)
    assert (wrong.decision == ROLLED_BACK).all()


def test_the_summary_counts_decisions_and_tells_percentiles():
    runs = Runs(
        decision=np.array([PROMOTED, PROMOTED, ROLLED_BACK, UNDECIDED]),
        seconds=np.array([60.0, 120.0, 180.0, 6000.0]),
        canary_requests=np.array([10, 20, 30, 40]),
        canary_failures=np.array([0, 0, 3, 4]),
        asked=np.array([False, False, True, False]),
        stage_seconds=np.array([[60.0, 0.0], [60.0, 60.0], [180.0, 0.0], [600.0, 0.0]]),
    )
    found = summary(runs)
    assert [found[name] for name in ("runs", "promoted", "rolled_back", "undecided", "asked")] == [4, 2, 1, 1, 1]
    assert found["minutes"] == {"p10": 1.2, "p50": 2.0, "p90": 2.8}
    assert found["canary_requests"]["p50"] == 25
    assert found["stage_minutes"][1] == {"p10": 1.0, "p50": 1.0, "p90": 1.0}
    nothing = summary(runs.chosen(runs.decision == UNDECIDED))
    assert nothing["minutes"] == {"p10": None, "p50": None, "p90": None}
