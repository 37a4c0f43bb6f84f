"""Who has lost the lease writes nothing: neither the record nor the desired state."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import LostLease
from tfx_rollout.rollout import Phase, RolloutController

from ..lost_lease import Guard, contents


def test_without_the_lease_a_tick_raises_and_leaves_everything_as_it_was(live, plan):
    live.start(plan())
    refused = 0
    for _ in range(30):
        live.base.write_observed(live.serving.settle(live.base.desired()))
        before = contents(live.base.path)
        try:
            RolloutController(live.base, live.evidence, live.clock, guard=Guard(0)).tick()
        except LostLease:
            refused += 1
        assert contents(live.base.path) == before
        live.controller.tick()
        live.clock.advance(1.0)
    assert live.state.windows > 3
    assert refused > live.state.windows


def test_a_lease_that_is_lost_between_two_writes_lets_no_other_follow_and_the_next_holder_goes_on(live, plan):
    live.start(plan(promotion="automatic"))
    lost = 0
    for tick in range(120):
        live.base.write_observed(live.serving.settle(live.base.desired()))
        try:
            RolloutController(live.base, live.evidence, live.clock, guard=Guard(tick % 4)).tick()
        except LostLease:
            lost += 1
            live.restart()
            live.controller.tick()
        live.clock.advance(1.0)
        if live.state.finished:
            break
    assert live.state.phase is Phase.PROMOTED
    assert lost > 10
    numbers = [window.number for window in live.record.windows]
    assert numbers == sorted(set(numbers))


def test_the_guard_is_asked_before_every_write(live, plan):
    live.start(plan())
    live.base.write_observed(live.serving.settle(live.base.desired()))
    guard = Guard(float("inf"))
    RolloutController(live.base, live.evidence, live.clock, guard=guard).tick()
    assert live.events == ["begin"]
    assert guard.asked >= 3, "before the event, the state and the desired state"


def test_a_lost_lease_is_no_fault_of_the_rollout(live, plan):
    live.start(plan())
    with pytest.raises(LostLease):
        RolloutController(live.base, live.evidence, live.clock, guard=Guard(0)).tick()
    assert live.state.phase is Phase.SUBMITTED
