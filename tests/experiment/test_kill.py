"""A controller that is killed anywhere is followed by one that comes to the same decisions, bit by bit.

A whole test is driven twice, once undisturbed and once with a controller that is killed before some change on disk in every tick:
after each kill one that knows nothing but the files takes over.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.testing.users import Habit
from tfx_rollout.traffic import Track

B, C = Track.VARIANT_B, Track.VARIANT_C
COURSES = {
    "wins": ({Track.STABLE: Habit(yes=0.1), B: Habit(yes=0.4), C: Habit(yes=0.1)}, {"on_decision": "promote"}),
    "loses": ({Track.STABLE: Habit(yes=0.4), B: Habit(yes=0.05), C: Habit(yes=0.05, failures=0.3)}, {}),
    "ends at its date": ({}, {"alpha": 1e-6, "max_days": 45 / 86_400}),
}


def record(world: Any) -> dict[str, Any]:
    """All that counts."""
    journal = ExperimentJournal(world.base, world.state.id)
    state = journal.state()
    found = {
        "state": (journal.path / "state.json").read_text(),
        "windows": {window.number: window.to_json() for window in journal.windows() if window.number <= state.windows},
        "outcomes": {window.number: window.to_json() for window in journal.outcomes() if window.number <= state.matured},
        "verdicts": {str(moment): verdict.to_json() for moment, verdict in world.record.verdicts.items()},
        "events": journal.events(),
        "desired": world.base.desired().to_json(),
    }
    return json.loads(json.dumps(found))


@pytest.mark.parametrize("course", sorted(COURSES))
def test_killed_in_every_tick_a_test_ends_as_if_nothing_had_happened(new_world, plan, killed_before, course):
    habits, changes = COURSES[course]
    variants = [{"version": 2, "share": 0.3}, {"version": 3, "share": 0.3}]
    undisturbed, killed = new_world(), new_world()
    for world in (undisturbed, killed):
        world.users.habits = habits
        world.start(plan(variants=variants, **changes))
    kills, chance = 0, random.Random(course)
    for _ in range(600):
        if undisturbed.state.finished:
            break
        undisturbed.tick()
        killed.prepare()
        kills += killed_before(chance.randint(1, 12), killed.controller.tick)
        killed.restart()
        if record(killed) != record(undisturbed):
            killed.controller.tick()
        killed.clock.advance(1.0)
        assert record(killed) == record(undisturbed)
    assert undisturbed.state.finished
    assert killed.state.finished
    assert kills > 10


def test_a_store_that_was_torn_in_the_middle_of_a_block_is_gone_on_with(new_world, plan):
    undisturbed, torn = new_world(), new_world()
    for world in (undisturbed, torn):
        world.start(plan())
        world.run(lambda state: state.windows >= 4)
    path: Path = ExperimentJournal(torn.base, torn.state.id).users / "seen.bin"
    with path.open("ab") as file:
        file.write(b"seen\x09\x00torn")
    torn.restart()
    for world in (undisturbed, torn):
        world.run(lambda state: state.matured >= 6)
    assert record(torn) == record(undisturbed)


def test_the_requests_that_were_kept_for_outcomes_are_removed_with_them(new_world, plan):
    world = new_world()
    world.start(plan())
    world.run(lambda state: state.matured >= 10)
    journal = ExperimentJournal(world.base, world.state.id)
    left = sorted(int(path.stem) for path in journal.users.glob("*.requests"))
    assert left[0] == world.state.matured + 1
    assert len(left) <= 4
