"""Whatever people change of what is held, at whatever instant of a transition: the rollout makes it, and what they hold is held.

Instants are enumerated from the code as in `test_kill`: people come after the controller was killed before any of its changes on
disk, and, while it lives, before any of its writes for which it has no lock.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tfx_rollout.control.local import changes
from tfx_rollout.errors import Busy
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout import TABLE, Effect, RolloutController
from tfx_rollout.traffic import Cause, DesiredState

MOST_TICKS = 80
CATCHING_UP = 5
"""Ticks that a controller may take to find what people did, to write what it wants after it, and to go on."""


def hold(base: BasePath) -> DesiredState:
    """What people do: version 3 gets a name and a pin, in two changes."""
    for act in (lambda state: changes.name(state, "next", 3), lambda state: changes.pin(state, 3)):
        before = base.desired()
        base.write_desired(act(before).change(cause=Cause("fay", "to compare")), expected=before.generation)
    return base.desired()


def seen(world: Any) -> dict[str, Any]:
    """All that people's changes must not change: decisions, times and traffic."""
    states = [
        {key: value for key, value in state.to_json().items() if key not in ("before", "wanted", "generation", "events")}
        for state in world.states
    ]
    desired = world.base.desired()
    return {"states": states, "traffic": (desired.labels, desired.split, desired.mirror, desired.sticky, desired.topology)}


def goes_on_as(world: Any, expected: list[dict[str, Any]], instant: str) -> None:
    """Lets the controller catch up, in no time; it has to come to one of these, and to hold what people hold."""
    for _ in range(CATCHING_UP):
        settled = world.state.finished or world.state.wanted in (None, world.base.desired())
        if settled and seen(world) in expected:
            break
        world.controller.tick()
    assert seen(world) in expected, instant
    assert world.state.finished or world.state.wanted in (None, world.base.desired()), instant
    desired = world.base.desired()
    assert (desired.pinned, desired.aliases, 3 in desired.versions) == ((3,), {"next": 3}, True), instant


def at_the_transition(driven: Any, phase: Any, event: Any, folder: Path) -> Any:
    """Drives up to the tick that makes the transition; the same world before that tick."""
    for _ in range(MOST_TICKS):
        driven.prepare()
        before, known = driven.clone(folder), driven.world.state.events
        driven.world.controller.tick()
        if driven.world.state.events > known and driven.world.last_transition == (str(phase), str(event)):
            return before
        shutil.rmtree(folder)
        driven.world.clock.advance(1.0)
    raise AssertionError(f"{event} did not happen in {phase} within {MOST_TICKS} ticks")


def killed_at_any_change(kill: Any, before: Any, folder: Path) -> Iterator[tuple[int, Any]]:
    """The worlds that a controller leaves which is killed before a change, of those that differ on disk; 0 is before the tick."""
    known: set[tuple[tuple[str, bytes], ...]] = set()
    for change in count():
        killed = before.clone(folder)
        was = change == 0 or kill(change).during(killed.world.controller.tick)
        files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in (".json", ".jsonl"))
        left = tuple((str(path), path.read_bytes()) for path in files)
        if left not in known:
            killed.world.restart()
            yield change, killed
        known.add(left)
        shutil.rmtree(folder)
        if not was:
            return


def raced(base: BasePath, people: Callable[[BasePath], object]) -> bool:
    """Lets people do it now, if nobody has the lock; whether they did."""
    did = []

    def act() -> None:
        try:
            with base.lock(timeout=0):
                people(base)
                did.append(True)
        except Busy:
            return

    thread = threading.Thread(target=act)
    thread.start()
    thread.join()
    return bool(did)


def raced_before_any_write(before: Any, folder: Path) -> Iterator[tuple[int, Any]]:
    """The worlds in which people come before a write of the controller, which goes on with its tick."""
    for write in count(1):
        left, came = write, False
        world = before.clone(folder).world

        def guard(world: Any = world) -> None:
            nonlocal left, came
            left -= 1
            came = came or (left == 0 and raced(world.base, hold))

        world.controller = RolloutController(world.base, world.evidence, world.clock, labels=world.evidence.labels, guard=guard)
        world.controller.tick()
        if came:
            yield write, world
        shutil.rmtree(folder)
        if left > 0:
            return


@pytest.mark.parametrize(("phase", "event"), list(TABLE), ids=str)
def test_people_who_come_at_any_instant_of_a_transition_do_not_change_it(courses, drive, kill, scratch, phase, event):
    driven = drive(courses[phase, event])
    before = at_the_transition(driven, phase, event, scratch / "before")
    after = seen(driven.world)
    # Who finds that only what is held was changed goes on in the same tick, and so may be a step further: the next one, or the
    # one that waits for the traffic alone, where the undisturbed one waits for all that is wanted.
    further = driven.clone(scratch / "further").world
    further.controller.tick()
    applied = driven.clone(scratch / "applied").world
    applied.base.write_observed(applied.serving.settle(applied.base.desired()))
    applied.controller.tick()
    comes_to = [after, seen(further), seen(applied)]
    driven.go_on(3)
    instants = 0
    for instants, (change, killed) in enumerate(killed_at_any_change(kill, before, scratch / "killed"), start=1):
        hold(killed.world.base)
        goes_on_as(killed.world, comes_to, f"killed before change {change}")
        if instants == 2:
            killed.go_on(3)
            goes_on_as(killed.world, [seen(driven.world)], f"later, killed before change {change}")
    assert instants >= 3, "before the event, before the state, after it"
    if TABLE[phase, event].effect is not Effect.NOTHING:
        writes = []
        for write, world in raced_before_any_write(before, scratch / "raced"):
            writes.append(write)
            goes_on_as(world, comes_to, f"before write {write}")
        assert len(writes) >= 3, "before the event, the state, the desired state"
