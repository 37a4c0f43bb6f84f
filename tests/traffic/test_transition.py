"""The safe order, proven in a simulated world of servers that crash, load slowly and refuse labels."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tfx_rollout.testing import Delays, ManualClock, SimulatedServing
from tfx_rollout.traffic import (
    LABEL_OF,
    VARIANTS,
    WEIGHTED,
    Await,
    DesiredState,
    Label,
    ObservedState,
    Route,
    ServerObservation,
    Settled,
    SetTraffic,
    Split,
    StartServer,
    Stuck,
    Track,
    VersionState,
    allowed_versions,
    next_step,
    place,
    routes,
)

BROKEN = 9
DRAIN = 3.0
ON_THE_WAY = 2
"""Ticks from the moment the gateway has chosen a route to the moment the server resolves the label."""
B, C = VARIANTS[:2]


def state(stable=None, canary=None, previous=None, share=0.0, topology="dedicated", **more) -> DesiredState:
    labels = {Label.STABLE: stable, Label.CANARY: canary, Label.PREVIOUS: previous}
    labels = {label: version for label, version in labels.items() if version is not None}
    return with_held(DesiredState("m", 0, tuple(labels.values()), labels, Split.of(share), topology), **more)


def experiment(stable, variants, shares=None, **more) -> DesiredState:
    """An A/B test of these variants, in equal parts unless told otherwise."""
    labels = {Label.STABLE: stable, **{LABEL_OF[track]: version for track, version in variants.items()}}
    split = Split.among(shares if shares is not None else dict.fromkeys(variants, 1 / (len(variants) + 1)))
    return with_held(DesiredState("m", 0, tuple(labels.values()), labels, split), **more)


def with_held(desired, pinned=(), aliases=None, loaded=()) -> DesiredState:
    aliases = aliases or {}
    versions = (*desired.versions, *pinned, *aliases.values(), *loaded)
    return desired.change(versions=versions, pinned=pinned, aliases=aliases)


@dataclass
class World:
    """A simulated serving under a sequence of desired states, with requests in flight and the history of `allowed_versions`."""

    serving: SimulatedServing
    desired: DesiredState = DesiredState("m")
    history: list[dict] = field(default_factory=list)
    in_flight: list[tuple[Track, Route, float, int | None]] = field(default_factory=list)
    """Requests that are on their way: track, route, when they began, and the version that the gateway will say of the answer."""
    crashed: dict[str, float] = field(default_factory=dict)
    recovering: set[str] = field(default_factory=set)
    kept: set[tuple[str, object]] = field(default_factory=set)
    """What the operator's own names and pins promise: aliases that answer, and pinned versions that are loaded."""

    @classmethod
    def new(cls, delays: Delays) -> World:
        return cls(SimulatedServing("m", ManualClock(1000.0), delays=delays, drain_seconds=DRAIN, broken={BROKEN}))

    @property
    def now(self) -> float:
        return self.serving.clock.now()

    def want(self, desired: DesiredState) -> None:
        self.desired = desired.change(generation=self.desired.generation + 1)
        self.history.append({"event": "desired", "at": self.now, **self.desired.to_json()})

    def crash(self, server: str) -> None:
        self.serving.servers[server].crash()
        self.crashed[server] = self.now
        self.recovering.add(server)

    def tick(self, crash: str | None = None):
        """One tick: the supervisor sees and acts (a server may die between the two), time passes, requests come."""
        generation = self.serving.generation
        step = self.serving.step(self.desired)
        if crash in self.serving.servers:
            self.crash(crash)
        if self.serving.generation > generation:
            self.history.append({"event": "applied", "at": self.now, "generation": self.serving.generation})
        self.serving.clock.advance(1.0)
        self.serving.tick()
        for server in self.serving.servers.values():
            if server.name in self.recovering and server.ready and server.spec == server.read and not server.loading:
                self.recovering.discard(server.name)
        self.recovering &= set(self.serving.servers)
        self.check()
        return step

    def check(self) -> None:
        arriving = [sent for sent in self.in_flight if sent[2] <= self.now - ON_THE_WAY]
        for track, route, started, number in arriving:
            server = self.serving.servers.get(route.server)
            if server is None:
                latest = self.crashed.get(route.server, 0.0) + 2 + self.serving.delays.gateway
                assert started <= latest, f"{track} was sent to {route.server}, which is gone"
            else:
                version = server.answers(route.label)
                self.answered(track, route, version, started)
                assert version is None or number in (None, version), (
                    f"an answer of {version} on {track} was said to be {number}'s"
                )
        self.check_kept()
        self.in_flight = [sent for sent in self.in_flight if sent not in arriving]
        for track, route in self.serving.routes.items():
            version = self.serving.answers(track)
            weight = self.serving.split.units(track)
            assert not server_is_refusing(self.serving), self.serving.servers[route.server].refusals
            if weight or track is Track.STABLE:
                self.answered(track, route, version, self.now)
            elif route.server not in self.recovering:
                assert version is not None, f"the label of {track} is missing on {route.server} while a route leads there"
            number = self.serving.numbers.get(track)
            assert version is None or number in (None, version), f"{track} is said to lead to {number}, and leads to {version}"
            if weight:
                self.in_flight.append((track, route, self.now, number))

    def check_kept(self) -> None:
        """An alias that answers, and a pinned version that is loaded, stay so for as long as they are desired."""
        primary = self.serving.servers.get("m")
        now: set[tuple[str, object]] = set()
        if primary is not None and "m" not in self.recovering:
            configured = {alias for alias in self.desired.aliases if alias in primary.spec.labels}
            now |= {("alias", alias) for alias in configured if primary.answers(alias) is not None}
            loaded = {v for v in self.desired.pinned if v in primary.spec.versions}
            now |= {("pin", v) for v in loaded if primary.states.get(v) is VersionState.AVAILABLE}
            wanted = {*(("alias", alias) for alias in self.desired.aliases), *(("pin", v) for v in self.desired.pinned)}
            assert self.kept & wanted <= now, f"lost {self.kept & wanted - now} while they were desired"
        self.kept = now

    def answered(self, track: Track, route: Route, version: int | None, started: float) -> None:
        if version is None:
            if track is Track.STABLE:
                assert route.server in self.recovering, f"{track} leads to {route.server}, which has lost its label or version"
            else:  # The weight of any other track must be gone as soon as the supervisor and the gateway could act.
                died = self.crashed.get(route.server)
                assert died is not None, f"{track} was sent to {route.server}, which has lost its label or version"
                assert started <= died + 2 + self.serving.delays.gateway, (
                    f"{track} had weight at {started}, {route.server} died at {died}"
                )
            return
        allowed = allowed_versions(self.history, track, started, until=self.now)
        assert version in allowed, f"{track} was answered by {version}, allowed are {allowed}"

    def settles(self, within: int = 120):
        for _ in range(within):
            if isinstance(step := self.tick(), (Settled, Stuck)):
                return step
        raise AssertionError(f"not settled in {within} ticks: {self.serving.doing}")


def server_is_refusing(serving: SimulatedServing) -> bool:
    return any(server.refusals for server in serving.servers.values())


versions = st.sampled_from([1, 2, 3, BROKEN])
topologies = st.sampled_from(["dedicated", "dedicated", "shared"])


held = st.fixed_dictionaries(
    {},
    optional={
        "pinned": st.lists(versions, max_size=2).map(tuple),
        "aliases": st.dictionaries(st.sampled_from(["champion", "eu.best"]), versions, max_size=2),
        "loaded": st.lists(versions, max_size=1).map(tuple),
    },
)


@st.composite
def desired_states(draw):
    """Any state that may be asked for: first release, canary at any share, promoted, rolled back, an A/B test of up to
    three arms, taken offline; with or without versions that are pinned, loaded, or named by the operator."""
    kind = draw(st.integers(0, 12))
    if kind == 0:
        return DesiredState("m")
    stable = draw(st.sampled_from([1, 2, 3]))
    if kind <= 5:
        variants = draw(st.dictionaries(st.sampled_from([B, C]), versions, min_size=1))
        shares = {track: draw(st.sampled_from([0.0, 0.01, 0.25, 0.5])) for track in variants}
        return experiment(stable, variants, shares, **draw(held))
    others = st.none() | versions.filter(lambda v: v != stable)
    canary, previous = draw(others), draw(others)
    share = 0.0 if canary is None else draw(st.sampled_from([0.0, 0.01, 0.25, 0.5, 1.0]))
    return state(stable, canary, previous, share, draw(topologies), **draw(held))


delays = st.builds(Delays, start=st.integers(0, 3), load=st.integers(0, 4), poll=st.integers(0, 2), gateway=st.integers(0, 1))
events = st.one_of(
    desired_states().map(lambda s: ("want", s)),
    st.integers(1, 12).map(lambda n: ("ticks", n)),
    st.integers(1, 12).map(lambda n: ("ticks", n)),
    st.sampled_from([("crash", "m"), ("crash", "m~canary")]),
)

PROMOTION = [
    ("want", state(stable=1)),
    ("ticks", 40),
    ("want", state(stable=1, canary=2, share=0.5)),
    ("ticks", 40),
    ("want", state(stable=2, previous=1)),
]

SHARED_ROLLBACK = [
    ("want", state(stable=1, topology="shared")),
    ("ticks", 20),
    ("want", state(stable=1, canary=2, share=0.5, topology="shared")),
    ("ticks", 20),
    ("want", state(stable=1, topology="shared")),
]


A_B_TEST = [
    ("want", state(stable=1, pinned=(3,))),
    ("ticks", 20),
    ("want", experiment(1, {B: 2, C: 3}, pinned=(3,), aliases={"champion": 2})),
    ("ticks", 20),
    ("crash", "m"),
    ("ticks", 12),
    ("want", experiment(1, {B: 3, C: 2}, pinned=(3,), aliases={"champion": 3})),
    ("ticks", 8),
    ("want", state(stable=2, canary=3, previous=1, share=0.25, pinned=(3,), aliases={"champion": 3})),
]


@settings(max_examples=400, deadline=None)
@given(delays, st.lists(events, max_size=14))
@example(Delays(1, 2, 1, 1), PROMOTION)
@example(Delays(1, 2, 1, 1), A_B_TEST)
@example(Delays(0, 0, 0, 0), A_B_TEST)
@example(Delays(1, 2, 1, 1), [*PROMOTION, ("ticks", 6), ("crash", "m~canary"), ("ticks", 3), ("crash", "m")])
@example(Delays(), SHARED_ROLLBACK)
@example(
    Delays(load=2, poll=1),
    [("want", state(stable=1)), ("ticks", 9), ("want", DesiredState("m")), ("ticks", 5), ("want", state(stable=1))],
)
@example(Delays(0, 0, 0, 0), [*PROMOTION, ("ticks", 2), ("want", state(stable=1))])
def test_every_sequence_of_states_and_crashes_is_safe_at_every_instant_and_settles(delays, sequence):
    world = World.new(delays)
    for kind, what in sequence:
        if kind == "want":
            world.want(what)
            world.tick()
        elif kind == "ticks":
            for _ in range(what):
                world.tick()
        else:
            world.tick(crash=what)
    step = world.settles()
    wanted = {*world.desired.versions}
    assert isinstance(step, Settled) or BROKEN in wanted
    if isinstance(step, Settled):
        assert_in_force(world)
        assert isinstance(world.tick(), Settled)
        assert world.serving.numbers == {
            track: world.desired.labels[route.label] for track, route in world.serving.routes.items()
        }


def assert_in_force(world: World) -> None:
    desired, serving = world.desired, world.serving
    assert (serving.split or Split()) == desired.split
    assert serving.answers(Track.STABLE) == desired.stable
    assert serving.answers(Track.CANARY) == desired.canary
    assert {track: serving.answers(track) for track in VARIANTS if track in serving.routes} == desired.variants
    primary = serving.servers.get("m")
    assert (primary.answers(Label.PREVIOUS) if primary else None) == desired.previous
    if primary is not None:
        assert {alias: primary.answers(alias) for alias in desired.aliases} == desired.aliases
        assert primary.spec == place(desired)["m"]
        assert {label for label in primary.labels if primary.answers(label) is not None} <= set(desired.names)
        assert {v for v in desired.pinned if primary.states.get(v) is VersionState.AVAILABLE} == set(desired.pinned)
    held = {v for s in serving.servers.values() for v, found in s.states.items() if found is VersionState.AVAILABLE}
    assert held == set(desired.versions)
    dedicated = desired.canary is not None and desired.topology == "dedicated"
    assert set(serving.servers) == ({"m", "m~canary"} if dedicated else {"m"} if desired.versions else set())


def run(world: World, desired: DesiredState):
    world.want(desired)
    return world.settles()


def share_of(world: World, version: int) -> float:
    serving = world.serving
    return sum(serving.split.share(track) for track in WEIGHTED if serving.answers(track) == version)


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


def test_a_canary_that_is_pinned_is_on_both_servers_and_stays_after_the_rollback():
    world = World.new(Delays())
    run(world, state(stable=1, canary=2, share=0.1, pinned=(2,)))
    assert world.serving.servers["m"].states[2] is world.serving.servers["m~canary"].states[2] is VersionState.AVAILABLE
    run(world, state(stable=1, pinned=(2,)))
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


def test_a_broken_previous_version_does_not_keep_stable_from_going_live_after_a_restart():
    world = World.new(Delays())
    step = run(world, state(stable=1, previous=BROKEN))
    assert isinstance(step, Stuck)
    assert world.serving.answers(Track.STABLE) == 1


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


def test_nothing_desired_and_nothing_there_is_settled():
    assert next_step(DesiredState("m"), ObservedState("m"), drained=True) == Settled()


def test_a_first_version_starts_its_server_with_label_and_waits_for_it_before_the_gateway_sends_anything():
    desired = state(stable=1)
    first = next_step(desired, ObservedState("m"), drained=True)
    assert isinstance(first, StartServer)
    assert first.spec.labels == {Label.STABLE: 1}
    up = ServerObservation("m", ready=True, configured_versions=(1,), configured_labels={Label.STABLE: 1})
    assert isinstance(next_step(desired, ObservedState("m", servers=(up,)), drained=True), Await)


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
