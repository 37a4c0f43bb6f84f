"""A controller that is killed anywhere is followed by one that comes to the same decisions, bit by bit.

Kills are enumerated from the code: each transition of the machine's `TABLE` is reached by a course of its own, and in the
tick that makes it the controller is killed (SIGKILL) before and after every change that it makes on disk, and in
the middle of every line that it appends. A transition without a course fails. After each kill a
controller that knows nothing but the files takes over: all it records and desires has to be what the
undisturbed one had after that tick, and later.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from tfx_rollout.rollout import TABLE, Event, Phase

MOST_TICKS = 80


def lines(root: Path) -> dict[Path, int]:
    """Sizes of all files of lines, by their path under the root."""
    return {path.relative_to(root): path.stat().st_size for path in root.rglob("*.jsonl")}


def test_every_transition_has_a_course(courses):
    assert courses.keys() == TABLE.keys()


@pytest.mark.integration
@pytest.mark.parametrize(("phase", "event"), list(TABLE), ids=str)
def test_killed_before_any_change_of_a_transition_it_is_made_all_the_same(courses, drive, kill, recorded, scratch, phase, event):
    undisturbed = drive(courses[phase, event])
    for _ in range(MOST_TICKS):
        undisturbed.prepare()
        before, known = undisturbed.clone(scratch / "before"), undisturbed.world.state.events
        undisturbed.world.controller.tick()
        if undisturbed.world.state.events > known and undisturbed.world.last_transition == (str(phase), str(event)):
            break
        shutil.rmtree(scratch / "before")
        undisturbed.world.clock.advance(1.0)
    else:
        raise AssertionError(f"{event} did not happen in {phase} within {MOST_TICKS} ticks, only {undisturbed.world.events}")
    after = recorded(undisturbed.world)
    later = undisturbed.go_on(4)
    count = kill()
    count.during(before.clone(scratch / "counted").world.controller.tick)
    assert count.seen >= 2, "a transition writes an event and the state, each durably"

    def recovers(killed, where: str) -> None:
        killed.world.restart()
        if recorded(killed.world) != after:
            killed.world.controller.tick()
        assert recorded(killed.world) == after, f"killed {where} of {count.seen}"

    sizes = lines(before.world.base.store.root)
    for change in range(1, count.seen + 1):
        killed = before.clone(scratch / "killed")
        kill(change, really=True).in_a_process(killed.world.controller.tick)
        for path, size in lines(scratch / "killed").items():
            if size > sizes.get(path, 0):
                torn = killed.clone(scratch / "torn")
                os.truncate(scratch / "torn" / path, (sizes.get(path, 0) + size) // 2)
                recovers(torn, f"in the middle of change {change - 1}")
                shutil.rmtree(scratch / "torn")
        sizes = lines(scratch / "killed")
        recovers(killed, f"before change {change}")
        if change == count.seen // 2:
            assert killed.go_on(4) == later
        shutil.rmtree(scratch / "killed")


@pytest.mark.parametrize(
    ("phase", "event"), [(Phase.AWAITING_APPROVAL, Event.RESUME), (Phase.STEPPING_BACK, Event.STEPPED_BACK)], ids=str
)
def test_killed_before_any_change_of_any_tick_of_a_rollout_the_next_controller_does_the_same(
    courses, drive, kill, recorded, scratch, phase, event
):
    undisturbed, kills = drive(courses[phase, event]), 0
    while not undisturbed.world.state.finished:
        undisturbed.prepare()
        before = undisturbed.clone(scratch / "before")
        count = kill()
        count.during(undisturbed.world.controller.tick)
        after = recorded(undisturbed.world)
        for change in range(1, count.seen + 1):
            killed = before.clone(scratch / "killed")
            assert kill(change).during(killed.world.controller.tick)
            kills += 1
            killed.world.restart()
            if recorded(killed.world) != after:
                killed.world.controller.tick()
            assert recorded(killed.world) == after, f"killed before change {change} of {count.seen}"
            shutil.rmtree(scratch / "killed")
        shutil.rmtree(scratch / "before")
        undisturbed.world.clock.advance(1.0)
    assert kills > 50


@pytest.mark.parametrize(
    ("phase", "event"),
    [
        (Phase.HOLDING, Event.PROMOTE),
        (Phase.RUNNING, Event.REGRESSED),
        (Phase.PAUSED, Event.RESUME),
        (Phase.AWAITING_APPROVAL, Event.RESUME),
        (Phase.STEPPING_BACK, Event.STEPPED_BACK),
        (Phase.SUBMITTED, Event.BEGIN_FIRST),
    ],
    ids=str,
)
def test_a_rollout_whose_controller_is_killed_in_every_tick_ends_as_if_nothing_had_happened(
    courses, drive, kill, recorded, scratch, phase, event
):
    undisturbed = drive(courses[phase, event])
    killed = undisturbed.clone(scratch / "killed")
    kills, chance = 0, random.Random(f"{phase} {event}")
    while not undisturbed.world.state.finished:
        for one in (undisturbed, killed):
            one.prepare()
        undisturbed.world.controller.tick()
        if kill(chance.randint(1, 6)).during(killed.world.controller.tick):
            kills += 1
            killed.world.restart()
            if recorded(killed.world) != recorded(undisturbed.world):
                killed.world.controller.tick()
        assert recorded(killed.world) == recorded(undisturbed.world)
        for one in (undisturbed, killed):
            one.world.clock.advance(1.0)
    assert kills >= 2
