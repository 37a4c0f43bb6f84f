"""Who has lost the lease writes nothing: neither the record nor the desired state, nor what feedback is held against."""

from __future__ import annotations

from tfx_rollout.errors import LostLease
from tfx_rollout.traffic import Track

from ..lost_lease import Guard, contents


def test_without_the_lease_a_tick_raises_and_leaves_everything_as_it_was(world, plan):
    world.start(plan())
    refused = 0
    for _ in range(60):
        if world.state.windows == 3 and world.state.outcome is None:
            world.order("promote", variant=Track.VARIANT_B)
        world.prepare()
        before = contents(world.base.path)
        world.restart(guard=Guard(0))
        try:
            world.controller.tick()
        except LostLease:
            refused += 1
        assert contents(world.base.path) == before
        world.restart()
        world.tick()
        if world.state.finished:
            break
    assert world.state.outcome == "stopped"
    assert refused > world.state.windows + 3


def test_a_lease_that_is_lost_between_two_writes_lets_no_other_follow_and_the_next_holder_goes_on(world, plan):
    world.start(plan())
    lost = 0
    for tick in range(120):
        if world.state.windows == 3 and world.state.outcome is None:
            world.order("stop")
        world.prepare()
        world.restart(guard=Guard(tick % 5))
        try:
            world.controller.tick()
        except LostLease:
            lost += 1
            world.restart()
            world.controller.tick()
        world.clock.advance(1.0)
        if world.state.finished:
            break
    assert world.state.outcome == "stopped"
    assert lost > 3
    numbers = [window.number for window in world.record.windows]
    assert numbers == sorted(set(numbers))
