"""A simulated serving of servers that crash, load slowly and refuse labels, in which the safe order has to keep its promises."""

from __future__ import annotations

from dataclasses import dataclass, field

from tfx_rollout.testing import Delays, ManualClock, SimulatedServing
from tfx_rollout.traffic import (
    VARIANTS,
    WEIGHTED,
    DesiredState,
    Label,
    Route,
    Settled,
    Split,
    Stuck,
    Track,
    VersionState,
    allowed_versions,
    place,
)

from .states import BROKEN

DRAIN = 3.0
ON_THE_WAY = 2
"""Ticks from the moment the gateway has chosen a route to the moment the server resolves the label."""


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
        refusals = {server.name: server.refusals for server in self.serving.servers.values()}
        assert not any(refusals.values()), refusals
        for track, route in self.serving.routes.items():
            version = self.serving.answers(track)
            weight = self.serving.split.units(track)
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
