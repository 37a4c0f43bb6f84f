"""A rollout of which nothing is heard does not hang for ever."""

from __future__ import annotations

import pytest

from tfx_rollout.evidence import IntervalCounts
from tfx_rollout.rollout import Phase, RolloutController


class SilentEvidence:
    """A gateway that tells nothing: its horizon stands still."""

    def __init__(self, since: float) -> None:
        self.since = since

    def horizon(self) -> float:
        return self.since

    def counts(self, model: str, start: float, end: float) -> IntervalCounts:
        raise AssertionError("nothing may be counted past the horizon")


@pytest.fixture
def silent(live):
    live.controller = RolloutController(live.base, SilentEvidence(live.clock.now()), live.clock)
    return live


@pytest.mark.parametrize("policy", ["hold", "ask", "advance"])
def test_a_stage_without_any_evidence_asks_a_person_when_its_time_is_over(silent, plan, policy):
    silent.start(plan(every_stage={"max_seconds": 300, "on_inconclusive": policy}))
    state = silent.run(lambda state: state.phase is Phase.AWAITING_APPROVAL)
    assert state.reason.startswith("Stage 1 has had its 300 s, and there has been no evidence for ")
    assert state.reason.endswith("Nothing watches the candidate, so a person is asked.")
    assert 300 <= state.phase_since - state.stage_since <= 310
    silent.order("approve")
    assert silent.run(lambda state: state.stage == 1).phase is Phase.RUNNING


def test_a_stage_without_any_evidence_is_rolled_back_where_the_plan_says_so(silent, plan):
    silent.start(plan(every_stage={"max_seconds": 300, "on_inconclusive": "rollback"}))
    state = silent.run(lambda state: state.finished)
    assert state.outcome == "rolled_back"
    assert state.reason.endswith("The plan rolls back then.")


def test_a_stage_whose_traffic_never_comes_in_force_asks_too(live, plan):
    live.start(plan(every_stage={"max_seconds": 120}))
    live.run(lambda state: state.phase is Phase.RUNNING)
    observed = live.base.observed()
    for _ in range(60):
        live.base.write_observed(observed)
        live.controller.tick()
        live.clock.advance(5.0)
    assert live.state.phase is Phase.AWAITING_APPROVAL
    assert "its traffic is not in force" in live.state.reason


def test_a_controller_that_comes_late_first_judges_what_the_gateway_has_recorded(live, plan):
    live.start(plan(every_stage={"max_seconds": 300, "on_inconclusive": "rollback"}))
    live.run(lambda state: state.windows >= 1)
    live.clock.advance(2000.0)
    live.restart()
    state = live.run(lambda state: state.stage == 1)
    assert state.phase is Phase.RUNNING
