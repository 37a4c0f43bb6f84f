from __future__ import annotations

from dataclasses import replace

from tfx_rollout.rollout import Call, RolloutRecord
from tfx_rollout.rollout.counterfactual import Step, applied, counterfactual
from tfx_rollout.testing import Behaviour


def replayed(record: RolloutRecord, other) -> list[Step]:
    return counterfactual(other, record.plan, record.windows, record.verdicts, record.events, record.state.attempt)


def test_under_its_own_plan_a_rollout_is_decided_as_it_was(live, plan):
    live.start(plan())
    live.run()
    record = live.record
    steps = replayed(record, record.plan)
    assert [step.window for step in steps] == [window.number for window in record.windows]
    assert [step.other for step in steps] == [record.verdicts[window.number] for window in record.windows]
    assert {step.stage for step in steps} == {0, 1}
    assert not any(step.differs for step in steps)


def test_a_stricter_gate_would_have_waited_where_the_rollout_went_on(live, plan):
    live.start(plan())
    live.run()
    steps = replayed(live.record, plan(beta=1e-60))
    went_on = [step for step in steps if step.recorded is not None and step.recorded.call in (Call.ADVANCE, Call.PASS)]
    assert went_on
    assert all(step.differs and step.other.call is Call.HOLD for step in went_on)
    assert went_on[0].to_json()["recorded"] == "advance"
    assert went_on[0].to_json()["other"] == "hold"
    assert went_on[0].to_json()["reason"]


def test_a_more_tolerant_plan_would_not_have_rolled_back(live, plan):
    live.canary(Behaviour(failures=0.2))
    live.start(plan())
    live.run(lambda state: state.finished)
    steps = replayed(live.record, plan(alpha=1e-12))
    assert steps[-1].recorded is not None
    assert steps[-1].recorded.call is Call.ROLLBACK
    assert steps[-1].other.call is Call.HOLD
    assert steps[-1].other.e_value == steps[-1].recorded.e_value


def test_each_recorded_stage_takes_its_margins_from_the_stage_with_the_nearest_share(plan):
    recorded = plan()
    other = plan(last=[{"share": 0.9, "max_failure_rate": 0.2}], every_stage={"min_seconds": 77})
    coarse = replace(other.stages[0], share=0.02, bad_odds_ratio=9.0)
    found = applied(replace(other, stages=(coarse, *other.stages[1:])), recorded)
    assert [stage.share for stage in found.stages] == [stage.share for stage in recorded.stages]
    assert [stage.bad_odds_ratio for stage in found.stages] == [9.0, other.stages[1].bad_odds_ratio]
    assert {stage.min_seconds for stage in found.stages} == {77}
    assert found.beta == other.beta
