"""Who has lost the lease writes nothing: neither the record nor the desired state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfx_rollout.errors import LostLease
from tfx_rollout.rollout import Phase, RolloutController


class Guard:
    """Lets so many writes pass, and none after them."""

    def __init__(self, writes: float) -> None:
        self.left, self.asked = writes, 0

    def __call__(self) -> None:
        self.asked += 1
        if self.asked > self.left:
            raise LostLease("/srv/models", "process 7 on another host")


def contents(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file() and path.name != "lock"}


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
