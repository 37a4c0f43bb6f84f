"""What is live: the first version, the next one on the same server, names and versions held beside it."""

from __future__ import annotations

from tfx_rollout.testing import Delays
from tfx_rollout.traffic import (
    Await,
    DesiredState,
    Label,
    ObservedState,
    ServerObservation,
    Settled,
    StartServer,
    Stuck,
    Track,
    VersionState,
    next_step,
)

from .conftest import World, assert_in_force, run
from .states import BROKEN, state


def test_nothing_desired_and_nothing_there_is_settled():
    assert next_step(DesiredState("m"), ObservedState("m"), drained=True) == Settled()


def test_a_first_version_starts_its_server_with_label_and_waits_for_it_before_the_gateway_sends_anything():
    desired = state(stable=1)
    first = next_step(desired, ObservedState("m"), drained=True)
    assert isinstance(first, StartServer)
    assert first.spec.labels == {Label.STABLE: 1}
    up = ServerObservation("m", ready=True, configured_versions=(1,), configured_labels={Label.STABLE: 1})
    assert isinstance(next_step(desired, ObservedState("m", servers=(up,)), drained=True), Await)


def test_a_version_is_dropped_only_after_the_label_that_named_it_has_moved():
    world = World.new(Delays(poll=2))
    run(world, state(stable=1))
    world.want(state(stable=2))
    seen = []
    for _ in range(30):
        spec = world.serving.servers["m"].spec
        if not seen or seen[-1] != spec:
            seen.append(spec)
        world.tick()
    assert [(spec.versions, spec.labels) for spec in seen] == [
        ((1,), {Label.STABLE: 1}),
        ((1, 2), {Label.STABLE: 1}),
        ((1, 2), {Label.STABLE: 2}),
        ((2,), {Label.STABLE: 2}),
    ]


def test_an_alias_moves_only_to_a_version_that_is_loaded():
    world = World.new(Delays(load=4, poll=1))
    run(world, state(stable=1, aliases={"champion": 1}))
    world.want(state(stable=1, aliases={"champion": 2}))
    primary, seen = world.serving.servers["m"], []
    for _ in range(30):
        world.tick()
        seen.append(primary.answers("champion"))
        assert seen[-1] == 1 or primary.states[2] is VersionState.AVAILABLE
    assert seen == sorted(seen)
    assert set(seen) == {1, 2}
    assert_in_force(world)


def test_a_broken_previous_version_does_not_keep_stable_from_going_live_after_a_restart():
    world = World.new(Delays())
    step = run(world, state(stable=1, previous=BROKEN))
    assert isinstance(step, Stuck)
    assert world.serving.answers(Track.STABLE) == 1


def test_a_primary_that_dies_again_and_again_while_loading_may_drop_the_version_it_dies_of():
    world = World.new(Delays())
    run(world, state(stable=1))
    world.want(state(stable=2, previous=1))
    world.tick()
    world.crash("m")
    world.want(state(stable=1))
    world.tick()
    assert world.serving.servers["m"].spec.versions == (1,)
    world.settles()
    assert_in_force(world)
