"""Whatever people change of what is held, whenever they come: an A/B test comes to the same decisions, and they have it held."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import cycle, pairwise
from typing import Any

import pytest

from tfx_rollout.control.local import changes
from tfx_rollout.experiment.machine import ExperimentPhase
from tfx_rollout.model_store import BasePath
from tfx_rollout.testing.users import Habit
from tfx_rollout.traffic import Cause, DesiredState, Track

B, C = Track.VARIANT_B, Track.VARIANT_C
VARIANTS = [{"version": 2, "share": 0.3}, {"version": 3, "share": 0.3}]
COURSES = {
    "wins": ({Track.STABLE: Habit(yes=0.1), B: Habit(yes=0.4), C: Habit(yes=0.1)}, {"on_decision": "promote"}),
    "loses": ({Track.STABLE: Habit(yes=0.4), B: Habit(yes=0.05), C: Habit(yes=0.05, failures=0.3)}, {}),
}
PEOPLE: list[Callable[[DesiredState], DesiredState]] = [
    lambda state: changes.pin(state, 4),
    lambda state: changes.name(state, "champion", 2),
    lambda state: changes.unpin(state, 4),
    lambda state: changes.load(state, 4),
    lambda state: changes.pin(state, 3),
    lambda state: changes.unload(state, 4),
    lambda state: changes.name(state, "champion", 3),
    lambda state: changes.unpin(state, 3),
    lambda state: changes.unname(state, "champion"),
]


def hold(base: BasePath, people: Iterator[Callable[[DesiredState], DesiredState]]) -> None:
    now = base.desired()
    wanted = next(people)(now)
    base.write_desired(wanted.change(cause=Cause("fay", "to compare")), expected=now.generation)


def decided(world: Any) -> tuple[dict[str, Any], Any]:
    """All that people's changes must not change: decisions, times and traffic."""
    desired, state = world.base.desired(), world.state.to_json()
    kept = {key: value for key, value in state.items() if key not in ("before", "wanted", "generation", "events")}
    return kept, (desired.labels, desired.split, desired.sticky, desired.topology)


def catch_up(world: Any, expected: object) -> None:
    """Lets a controller that knows nothing but the files do what is left to do, in no time."""
    world.restart()
    for _ in range(5):
        settled = world.state.finished or world.state.wanted in (None, world.base.desired())
        if settled and decided(world) == expected:
            return
        world.controller.tick()
    assert decided(world) == expected


@pytest.mark.parametrize("course", sorted(COURSES))
def test_people_who_come_in_every_tick_and_a_controller_that_is_killed_in_each_change_no_decision(
    new_world, plan, killed_before, course
):
    habits, more = COURSES[course]
    undisturbed, disturbed = new_world(), new_world()
    for world in (undisturbed, disturbed):
        world.users.habits = habits
        world.start(plan(variants=VARIANTS, **more))
    people, chance = cycle(PEOPLE), random.Random(course)
    moved, came = undisturbed.state.generation, 0
    for _ in range(600):
        if undisturbed.state.finished:
            break
        undisturbed.tick()
        disturbed.prepare()
        moves, moved = undisturbed.state.generation != moved, undisturbed.state.generation
        killed_before(chance.randint(1, 12), disturbed.controller.tick)
        if moves or chance.random() < 0.2:
            hold(disturbed.base, people)
            came += 1
        catch_up(disturbed, decided(undisturbed))
        disturbed.clock.advance(1.0)
    assert disturbed.state.finished
    assert came > 5
    written = [DesiredState.from_json(event) for event in disturbed.base.history() if event["event"] == "desired"]
    for one, then in pairwise(written):
        if then.cause.by != "fay":
            assert (one.pinned, one.aliases) == (then.pinned, then.aliases)


@pytest.mark.parametrize("phase", [ExperimentPhase.LOADING, ExperimentPhase.RUNNING, ExperimentPhase.ENDING])
@pytest.mark.parametrize("kind", ["stop", "promote"])
def test_people_who_come_between_the_state_and_what_it_asks_for_change_no_decision(new_world, plan, killed_before, phase, kind):
    """In the tick that asks for traffic, the controller is killed before each of its changes, and people come then."""
    undisturbed = new_world()
    undisturbed.start(plan(variants=VARIANTS))

    def comes_to_phase(world: Any) -> None:
        """All but the tick that leads into the phase."""
        if phase is not ExperimentPhase.LOADING:
            world.run(lambda state: state.phase is ExperimentPhase.LOADING)
        if phase is ExperimentPhase.ENDING:
            world.run(lambda state: state.windows >= 2)
            world.order(kind, **({"variant": B} if kind == "promote" else {}))
        world.prepare()

    comes_to_phase(undisturbed)
    undisturbed.controller.tick()
    assert undisturbed.state.phase is phase
    for change in range(1, 40):
        disturbed = new_world()
        disturbed.start(plan(variants=VARIANTS))
        comes_to_phase(disturbed)
        killed = killed_before(change, disturbed.controller.tick)
        hold(disturbed.base, iter(PEOPLE))
        catch_up(disturbed, decided(undisturbed))
        assert (disturbed.base.desired().pinned, 4 in disturbed.base.desired().versions) == ((4,), True)
        if not killed:
            break
    assert change > 8


def test_a_pinned_version_that_does_not_load_keeps_a_test_from_nothing(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.1), B: Habit(yes=0.6)}
    world.start(plan(on_decision="promote"))
    world.run(lambda state: state.windows > 1)
    for server in world.serving.servers.values():
        server.broken = {4}
    hold(world.base, iter(PEOPLE))
    state = world.run()
    assert (state.outcome, state.winner, world.base.desired().stable) == ("winner", B, 2)
    assert world.serving.answers(Track.STABLE) == 2
    assert world.base.desired().pinned == (4,)
    assert "version 4 does not load" in str(world.base.observed().fault)


def test_what_is_pinned_while_a_test_ends_is_not_waited_for(world, plan):
    world.start(plan())
    world.run(lambda state: state.windows > 1)
    world.order("stop")
    world.run(lambda state: state.phase is ExperimentPhase.ENDING)
    hold(world.base, iter(PEOPLE))
    world.base.write_observed(world.serving.settle(world.state.wanted))
    world.controller.tick()
    assert (world.state.outcome, world.state.finished) == ("stopped", True)
    assert world.base.observed().generation < world.base.desired().generation
