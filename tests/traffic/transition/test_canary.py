"""A canary's way to its share and back, to promotion, and over the faults of its server."""

from __future__ import annotations

import pytest

from tfx_rollout.testing import Delays
from tfx_rollout.traffic import Await, Label, Route, SetTraffic, Split, Stuck, Track, VersionState

from .conftest import DRAIN, World, assert_in_force, run, share_of
from .states import BROKEN, state


@pytest.mark.parametrize("topology", ["dedicated", "shared"])
@pytest.mark.parametrize("keep_previous", [True, False])
def test_the_share_of_the_promoted_version_never_drops_during_a_promotion(topology, keep_previous):
    world = World.new(Delays(start=2, load=3, poll=1, gateway=1))
    run(world, state(stable=1, topology=topology))
    run(world, state(stable=1, canary=2, share=0.5, topology=topology))
    world.want(state(stable=2, previous=1 if keep_previous else None, topology=topology))
    share = 0.5
    for _ in range(60):
        world.tick()
        assert share_of(world, 2) >= share
        share = share_of(world, 2)
    assert share == 1.0
    assert_in_force(world)


def test_a_rollback_takes_the_weight_first_and_waits_for_nothing():
    world = World.new(Delays(start=2, load=3, poll=1, gateway=0))
    run(world, state(stable=1))
    run(world, state(stable=1, canary=2, share=0.25))
    world.want(state(stable=1))
    assert world.tick() == SetTraffic(Split(), {Track.STABLE: Route("m", Label.STABLE)})
    world.settles()
    assert_in_force(world)


def test_a_canary_that_dies_gives_its_weight_to_stable_and_gets_it_back():
    world = World.new(Delays(start=2, load=2))
    run(world, state(stable=1))
    run(world, state(stable=1, canary=2, share=0.25))
    world.tick(crash="m~canary")
    world.tick()
    assert world.serving.split == Split()
    world.settles()
    assert world.serving.split == Split.of(0.25)


def test_the_canary_keeps_its_share_when_the_promoted_version_does_not_load_on_the_primary():
    world = World.new(Delays())
    run(world, state(stable=1))
    run(world, state(stable=1, canary=2, share=0.5))
    world.serving.servers["m"].broken = {2}
    step = run(world, state(stable=2, previous=1))
    assert step == Stuck("version 2 does not load on m: the file is no SavedModel")
    assert world.serving.split == Split.of(0.5)
    assert world.serving.answers(Track.STABLE) == 1


def test_a_candidate_that_does_not_load_is_reported_and_gets_no_traffic():
    world = World.new(Delays(load=1))
    run(world, state(stable=1))
    step = run(world, state(stable=1, canary=BROKEN, share=0.05))
    assert step == Stuck(f"version {BROKEN} does not load on m~canary: the file is no SavedModel")
    assert world.serving.split == Split()
    assert Track.CANARY not in world.serving.routes


def test_the_server_of_another_candidate_is_replaced_by_a_fresh_process():
    world = World.new(Delays())
    run(world, state(stable=1))
    run(world, state(stable=1, canary=2, share=0.05))
    before = world.serving.servers["m~canary"]
    run(world, state(stable=1, canary=3))
    assert world.serving.servers["m~canary"] is not before
    assert_in_force(world)


def test_a_canary_moves_to_a_server_of_its_own_without_losing_its_share():
    world = World.new(Delays(start=1, load=2, poll=1, gateway=1))
    run(world, state(stable=1, topology="shared"))
    run(world, state(stable=1, canary=2, share=0.3, topology="shared"))
    world.want(state(stable=1, canary=2, share=0.3, topology="dedicated"))
    for _ in range(40):
        world.tick()
        assert share_of(world, 2) == pytest.approx(0.3)
    assert_in_force(world)


def test_a_canary_that_is_pinned_is_on_both_servers_and_stays_after_the_rollback():
    world = World.new(Delays())
    run(world, state(stable=1, canary=2, share=0.1, pinned=(2,)))
    assert world.serving.servers["m"].states[2] is world.serving.servers["m~canary"].states[2] is VersionState.AVAILABLE
    run(world, state(stable=1, pinned=(2,)))
    assert_in_force(world)


def test_weight_does_not_move_onto_a_stable_track_that_is_not_ready():
    world = World.new(Delays(start=5))
    run(world, state(stable=1))
    run(world, state(stable=1, canary=2, share=0.5))
    world.crash("m")
    world.want(state(stable=1))
    assert isinstance(world.tick(), Await)
    assert world.serving.split == Split.of(0.5)
    world.settles()
    assert_in_force(world)


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_time_of_day_that_is_set_neither_holds_up_the_drain_nor_cuts_it_short(jump):
    world = World.new(Delays())
    run(world, state(stable=1))
    run(world, state(stable=1, canary=2, share=0.5))
    world.want(state(stable=1))
    world.serving.step(world.desired)
    world.serving.tick()
    world.serving.clock.jump(jump)
    for _ in range(int(DRAIN)):
        world.serving.step(world.desired)
        assert world.serving.servers["m~canary"].answers(Label.CANARY) == 2
        world.serving.clock.advance(1.0)
        world.serving.tick()
    for _ in range(10):
        world.serving.step(world.desired)
        world.serving.tick()
    assert_in_force(world)
