"""Only time that passed counts: not what the wall clock jumped, and not while a rollout stands still."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tfx_rollout.rollout import Phase
from tfx_rollout.testing import Behaviour


def windows_are_disjoint(world):
    spans = sorted((window.start, window.end) for window in world.record.windows if not window.void)
    return all(before[1] <= after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize("jump", [3600.0, 86_400.0, -40.0])
def test_a_jump_during_a_stage_is_recorded_and_ends_nothing(live, plan, jump):
    live.start(plan(every_stage={"max_seconds": 300, "on_inconclusive": "rollback"}))
    before = live.run(lambda state: state.windows >= 2)
    live.clock.jump(jump)
    live.tick()
    after = live.state
    assert after.judge.opened_at - before.judge.opened_at == pytest.approx(jump, abs=1)
    assert after.stage_since - before.stage_since == pytest.approx(jump, abs=1)
    assert live.run().phase is Phase.HOLDING
    jumped = [event for event in live.record.events if event["event"] == "clock_jumped"]
    way = "forward" if jump > 0 else "back"
    assert [event["reason"].split(",")[0] for event in jumped] == [f"The clock jumped {way} by {abs(jump):.1f} s"]
    assert windows_are_disjoint(live)


def test_the_window_over_a_jump_is_void(live, plan):
    live.start(plan())
    before = live.run(lambda state: state.windows >= 2)
    live.clock.jump(3600.0)
    live.run()
    (void,) = [window for window in live.record.windows if window.void]
    assert (void.number, void.start, void.closed_by) == (before.windows + 1, before.judged_until, "gap")
    assert void.end - void.start > 3600


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_jump_changes_no_deadline(live, plan, jump):
    live.start(plan(promotion_deadline_seconds=200))
    live.run()
    held = live.clock.monotonic()
    live.wait(50)
    live.clock.jump(jump)
    state = live.run(lambda state: state.finished)
    assert state.outcome == "rolled_back"
    assert live.clock.monotonic() - held == pytest.approx(200, abs=10)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_jump_during_a_pause_or_the_way_back_changes_neither(live, plan, jump):
    live.start(plan(step_back={"shares": [0.05], "step_seconds": 60}))
    live.run(lambda state: state.windows >= 1)
    live.order("pause")
    live.run(lambda state: state.phase is Phase.PAUSED)
    opened = live.state.judge.opened_at
    live.wait(50)
    live.clock.jump(jump)
    live.wait(50)
    live.order("resume")
    resumed = live.run(lambda state: state.phase is Phase.RUNNING)
    assert resumed.judge.opened_at - opened == pytest.approx(jump + 100, abs=10)
    live.order("abort")
    live.run(lambda state: state.phase is Phase.STEPPING_BACK)
    began = live.clock.monotonic()
    live.clock.jump(jump)
    live.run(lambda state: state.finished)
    assert live.clock.monotonic() - began == pytest.approx(60, abs=5)


def test_after_a_jump_back_a_regression_is_found_when_the_clock_has_passed_what_was_judged(live, plan):
    live.start(plan())
    live.run(lambda state: state.windows >= 2)
    live.clock.jump(-60.0)
    live.canary(Behaviour(failures=0.5))
    state = live.run(lambda state: state.finished, most=120)
    assert state.outcome == "rolled_back"
    assert windows_are_disjoint(live)


def test_a_controller_that_is_new_takes_the_clock_as_it_finds_it(live, plan):
    live.start(plan())
    live.run(lambda state: state.windows >= 2)
    live.clock.jump(3600.0)
    live.restart()
    live.wait(100)
    assert "clock_jumped" not in live.events
