"""The way back in steps, where stable must warm up for the traffic that it gets again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tfx_rollout.rollout import Phase
from tfx_rollout.testing import Behaviour
from tfx_rollout.traffic import Split

STEPS = {"step_back": {"shares": [0.4, 0.2, 0.05], "step_seconds": 30}}


def at_half(world, plan, **changes):
    world.start(plan(**STEPS, **changes))
    world.run(lambda state: state.stage == 1 and state.judge.stage == 1)


def splits_after(world, at):
    return [(round(since - at), split.canary) for since, split in world.serving.splits if since >= at]


def test_a_regression_goes_back_step_by_step(live, plan):
    at_half(live, plan)
    live.canary(Behaviour(failures=0.3))
    stepping = live.run(lambda state: state.phase is Phase.STEPPING_BACK)
    assert "The canary failed" in stepping.reason
    final = live.run(lambda state: state.finished)
    assert (final.outcome, final.reason) == ("rolled_back", stepping.reason)
    assert live.events[-5:] == ["step_back", "step_back", "step_back", "stepped_back", "applied"]
    shares = splits_after(live, stepping.phase_since)
    assert [canary for _, canary in shares] == [4000, 2000, 500, 0]
    assert [later - earlier for (earlier, _), (later, _) in pairwise(shares)] == pytest.approx([30] * 3, abs=2)
    assert [event["share"] for event in live.record.events[-5:]] == [0.4, 0.2, 0.05, 0.0, 0.0]


def test_steps_above_the_present_share_are_left_out_and_without_one_it_goes_back_at_once(live, plan):
    live.start(plan(**{**STEPS, "step_back": {"shares": [0.4, 0.05], "step_seconds": 30}}))
    live.run(lambda state: state.judge.stage == 0)
    live.order("abort")
    stepping = live.run(lambda state: state.phase is Phase.STEPPING_BACK)
    live.run(lambda state: state.finished)
    assert [canary for _, canary in splits_after(live, stepping.phase_since)] == [500, 0]

    live.start(plan(step_back={"shares": [0.4]}))
    live.run(lambda state: state.judge.stage == 0)
    live.order("abort")
    live.run(lambda state: state.finished)
    assert "step_back" not in live.events


def test_a_rollback_that_is_ordered_now_leaves_the_steps_out(live, plan):
    at_half(live, plan)
    live.order("rollback", now=True, why="it burns")
    state = live.run(lambda state: state.finished)
    assert state.reason == "ben ordered to rollback at once: it burns"
    assert live.events[-2:] == ["stop", "applied"]


def test_a_rollback_under_way_can_be_hurried(live, plan):
    at_half(live, plan)
    live.order("rollback")
    stepping = live.run(lambda state: state.phase is Phase.STEPPING_BACK)
    live.tick()
    live.order("rollback", now=True)
    state = live.run(lambda state: state.finished)
    assert state.finished_at - stepping.phase_since < 10
    assert live.base.desired().split == Split()


def test_a_rollback_under_way_is_not_ordered_a_second_time(live, plan):
    from tfx_rollout.errors import Conflict

    at_half(live, plan)
    live.order("abort")
    live.run(lambda state: state.phase is Phase.STEPPING_BACK)
    for kind in ("abort", "rollback", "pause", "promote"):
        with pytest.raises(Conflict, match="is stepping back"):
            live.order(kind)


def test_a_newer_version_waits_for_the_way_back_and_does_not_hurry_it(live, plan):
    at_half(live, plan)
    first = live.start(plan(on_running="supersede"), version=3)
    live.wait(20)
    old, new = live.states
    assert (old.phase, new.id, new.phase) == (Phase.STEPPING_BACK, first, Phase.QUEUED)
    live.start(plan(on_running="supersede"), version=3)
    live.tick()
    assert live.states[0].phase is Phase.STEPPING_BACK
    live.run(lambda state: live.states[0].finished)
    assert [canary for _, canary in splits_after(live, old.phase_since)] == [4000, 2000, 500, 0]


def test_a_candidate_that_cannot_be_served_any_more_loses_its_traffic_at_once(live, plan):
    at_half(live, plan)
    live.order("abort")
    live.run(lambda state: state.phase is Phase.STEPPING_BACK)
    for _ in range(3):
        live.serving.servers["m~canary"].crash()
    state = live.run(lambda state: state.finished, most=15)
    assert "has died 3 times" in state.reason


def test_a_deadline_goes_back_in_steps_too(live, plan):
    at_half(live, plan, promotion_deadline_seconds=50)
    live.run(lambda state: state.phase is Phase.STEPPING_BACK)
    assert "Nobody promoted it within 50 s" in live.state.reason
