"""The variants of an A/B test: shares when they answer, none when they fall silent, and the way to their end."""

from __future__ import annotations

from tfx_rollout.testing import Delays
from tfx_rollout.traffic import (
    Label,
    ObservedState,
    Route,
    ServerObservation,
    SetTraffic,
    Split,
    Stuck,
    Track,
    VersionState,
    next_step,
    routes,
)

from .conftest import World, assert_in_force, run, share_of
from .states import BROKEN, B, C, experiment, state


def test_a_variant_gets_its_share_only_when_its_version_answers_by_its_label():
    world = World.new(Delays(start=1, load=3, poll=1, gateway=1))
    run(world, state(stable=1))
    world.want(experiment(1, {B: 2, C: 3}))
    while not isinstance(step := world.tick(), SetTraffic):
        assert world.serving.split == Split()
    assert step.split.variants
    world.settles()
    assert_in_force(world)


def test_an_experiment_that_ends_takes_the_weight_first_and_unloads_last():
    world = World.new(Delays(load=2, poll=1))
    run(world, experiment(1, {B: 2}))
    world.want(state(stable=1))
    assert world.tick() == SetTraffic(Split(), {Track.STABLE: Route("m", Label.STABLE)})
    assert world.serving.servers["m"].answers(Label.VARIANT_B) == 2
    world.settles()
    assert_in_force(world)


def test_the_share_of_a_variant_that_wins_never_drops_while_it_becomes_stable():
    world = World.new(Delays(load=3, poll=2, gateway=1))
    run(world, experiment(1, {B: 2, C: 3}, {B: 0.4, C: 0.4}))
    world.want(state(stable=2, previous=1))
    share = 0.4
    for _ in range(60):
        world.tick()
        assert share_of(world, 2) >= share
        share = share_of(world, 2)
    assert share == 1.0
    assert_in_force(world)


def test_a_variant_that_does_not_load_gets_nothing_and_the_others_keep_their_shares():
    world = World.new(Delays())
    run(world, experiment(1, {B: 2, C: 3}, {B: 0.3, C: 0.3}))
    step = run(world, experiment(1, {B: 2, C: BROKEN}, {B: 0.3, C: 0.3}))
    assert step == Stuck(f"version {BROKEN} does not load on m: the file is no SavedModel")
    assert world.serving.split == Split.among({B: 0.3})
    assert C not in world.serving.routes


def test_only_the_variant_that_falls_silent_loses_its_share():
    labels = {Label.STABLE: 1, Label.VARIANT_B: 2, Label.VARIANT_C: 3}
    unloaded = ServerObservation(
        "m",
        ready=True,
        configured_versions=(1, 2, 3),
        configured_labels=labels,
        versions={1: VersionState.AVAILABLE, 2: VersionState.AVAILABLE, 3: VersionState.END},
        labels={Label.STABLE: 1, Label.VARIANT_B: 2},
    )
    desired = experiment(1, {B: 2, C: 3}, {B: 0.3, C: 0.3})
    seen = ObservedState("m", servers=(unloaded,), split=desired.split, routes=routes(desired))
    assert next_step(desired, seen, drained=True) == SetTraffic(Split.among({B: 0.3}), routes(desired))


def test_a_primary_that_dies_takes_every_share_to_stable_and_gives_it_back():
    world = World.new(Delays(start=2, load=2))
    run(world, desired := experiment(1, {B: 2, C: 3}))
    world.tick(crash="m")
    world.tick()
    assert world.serving.split == Split()
    world.settles()
    assert world.serving.split == desired.split
    assert_in_force(world)
