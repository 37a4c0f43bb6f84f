"""Servers, gateway and the supervisor's loop of one model, in memory."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

from tfx_rollout.testing.clock import ManualClock
from tfx_rollout.traffic import (
    FULL,
    Await,
    Configure,
    DesiredState,
    ObservedState,
    Route,
    ServerObservation,
    ServerSpec,
    Settled,
    SetTraffic,
    Split,
    StartServer,
    Step,
    StopServer,
    Stuck,
    Track,
    VersionState,
    after_numbers,
    certain_numbers,
    next_step,
)


@dataclass(frozen=True)
class Delays:
    """How many ticks things take in the simulated serving; all 0 makes every step take effect at once."""

    start: int = 0
    load: int = 0
    poll: int = 0
    gateway: int = 0


@dataclass
class SimulatedServer:
    """One model server by TensorFlow Serving's rules, with `--allow_version_labels_for_unavailable_models`."""

    name: str
    spec: ServerSpec
    delays: Delays
    broken: Collection[int]
    restarts: int = 0
    up_in: int = 0
    reads_in: int = 0
    read: ServerSpec = field(default_factory=ServerSpec)
    labels: dict[str, int] = field(default_factory=dict)
    states: dict[int, VersionState] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    loading: dict[int, int] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.up_in = self.delays.start

    @property
    def ready(self) -> bool:
        return self.up_in <= 0

    def crash(self) -> None:
        """Lose everything but the configuration file; come back after the start's delay."""
        self.restarts += 1
        self.up_in = self.delays.start + 1
        self.read, self.labels, self.states, self.errors, self.loading = ServerSpec(), {}, {}, {}, {}

    def configure(self, spec: ServerSpec) -> None:
        self.spec, self.reads_in = spec, self.delays.poll

    def tick(self) -> None:
        if self.up_in > 0:
            self.up_in -= 1
            self.reads_in = 0
            if self.up_in > 0:
                return
        if self.reads_in > 0:
            self.reads_in -= 1
        elif self.spec != self.read:
            self._read_configuration()
        self._manage_versions()

    def answers(self, label: str) -> int | None:
        """The version that answers a request for this label now, None where it would fail."""
        version = self.labels.get(label) if self.ready else None
        return version if version is not None and self.states.get(version) is VersionState.AVAILABLE else None

    def observation(self) -> ServerObservation:
        return ServerObservation(
            name=self.name,
            ready=self.ready,
            restarts=self.restarts,
            configured_versions=self.spec.versions,
            configured_labels=dict(self.spec.labels),
            versions=dict(self.states),
            labels={label: version for label, version in self.labels.items() if self.answers(label) is not None},
            errors=dict(self.errors),
        )

    def _read_configuration(self) -> None:
        moved = [
            f"label {label} to version {version}"
            for label, version in self.spec.labels.items()
            if self.labels.get(label, version) != version and self.states.get(version) is not VersionState.AVAILABLE
        ]
        if moved:
            self.refusals.append(f"{self.name} refused to move {', '.join(moved)}: not available")
            return
        self.read, self.labels = self.spec, dict(self.spec.labels)

    def _manage_versions(self) -> None:
        """The availability-preserving policy: load what is aspired; unload the rest when something aspired is ready."""
        for version, state in list(self.states.items()):
            if state is VersionState.UNLOADING:
                self.states[version] = VersionState.END
            elif state is VersionState.END and version not in self.read.versions:
                self.errors.pop(version, None)
        for version in self.read.versions:
            if self.states.get(version) in (None, VersionState.END) and version not in self.errors:
                self.states[version], self.loading[version] = VersionState.LOADING, self.delays.load
        for version, left in list(self.loading.items()):
            if left > 0:
                self.loading[version] = left - 1
                continue
            del self.loading[version]
            if version in self.broken:
                self.states[version], self.errors[version] = VersionState.END, "the file is no SavedModel"
            else:
                self.states[version] = VersionState.AVAILABLE
        ready = [v for v, state in self.states.items() if state is VersionState.AVAILABLE]
        if not self.read.versions or any(v in self.read.versions for v in ready):
            for version in ready:
                if version not in self.read.versions:
                    self.states[version] = VersionState.UNLOADING


class SimulatedServing:
    """Servers, gateway and the supervisor's loop of one model, in memory.

    `settle(desired)` takes steps until nothing changes and answers the observed state;
    `step` and `tick` do the same one by one, for tests of what happens in between.
    """

    def __init__(
        self,
        model: str,
        clock: ManualClock,
        *,
        delays: Delays = Delays(),
        drain_seconds: float = 0.0,
        broken: Collection[int] = (),
    ) -> None:
        self.model, self.clock, self.delays = model, clock, delays
        self.drain_seconds, self.broken = drain_seconds, broken
        self.servers: dict[str, SimulatedServer] = {}
        self.generation = 0
        self.fault: str | None = None
        self.split: Split | None = None
        self.routes: dict[Track, Route] = {}
        self.numbers: dict[Track, int] = {}
        """The version that the gateway says of each track's answers, where it says one."""
        self.split_since = 0.0
        self._changed_at = -math.inf
        self.splits: list[tuple[float, Split]] = []
        self.mirrors: list[tuple[float, int]] = []
        self.doing = ""
        self._pending: tuple[int, SetTraffic] | None = None
        self._numbers_wanted: dict[Track, int] = {}
        self._unnumbered_at: dict[Track, float] = {}

    def observed(self) -> ObservedState:
        return ObservedState(
            model=self.model,
            generation=self.generation,
            servers=tuple(server.observation() for server in self.servers.values()),
            split=self.split,
            routes=dict(self.routes),
            split_since=self.split_since,
            gateway_address="127.0.0.1:8500",
            step=self.doing,
            fault=self.fault,
            at=self.clock.now(),
        )

    def step(self, desired: DesiredState) -> Step:
        """Decide and apply one step, as the supervisor does: none while the gateway has not confirmed the last traffic."""
        if self._pending is not None:
            return Await("the gateway to confirm")
        step = self._decide(desired)
        self.fault = step.reason if isinstance(step, Stuck) else None
        self.doing = "" if isinstance(step, Settled) else str(step)
        self._mirror(desired)
        if isinstance(step, StartServer):
            self.servers[step.server] = SimulatedServer(step.server, step.spec, self.delays, self.broken)
        elif isinstance(step, Configure):
            self.servers[step.server].configure(step.spec)
        elif isinstance(step, StopServer):
            del self.servers[step.server]
        elif isinstance(step, SetTraffic):
            self._pending = (self.delays.gateway, step)
        elif isinstance(step, Settled):
            self.generation = max(self.generation, desired.generation)
        return step

    def tick(self) -> None:
        """Let what was begun go on by one tick. The clock is the test's to advance."""
        for server in self.servers.values():
            server.tick()
        if self._pending is None:
            self._number()
            return
        left, traffic = self._pending
        if left > 0:
            self._pending = (left - 1, traffic)
            return
        self._pending = None
        self._number()
        self.split, self.routes, self.split_since = traffic.split, dict(traffic.routes), self.clock.now()
        self._changed_at = self.clock.monotonic()
        self.splits.append((self.split_since, traffic.split))

    def settle(self, desired: DesiredState, *, most: int = 500) -> ObservedState:
        """Step and tick until the desired state is in force, or cannot be."""
        for _ in range(most):
            step = self.step(desired)
            if isinstance(step, (Settled, Stuck)):
                return self.observed()
            self.tick()
        raise AssertionError(f"generation {desired.generation} did not settle in {most} steps; the last one was {self.doing}")

    def answers(self, track: Track) -> int | None:
        """The version that would answer a request on this track now, None where it would fail."""
        route = self.routes.get(track)
        server = None if route is None else self.servers.get(route.server)
        return None if server is None or route is None else server.answers(route.label)

    def split_at(self, at: float) -> Split:
        """The split that was in force at a time (seconds since the epoch)."""
        return next((split for since, split in reversed(self.splits) if since <= at), Split())

    def mirror_at(self, at: float) -> float:
        """The share of the requests that was copied to the candidate at a time (seconds since the epoch)."""
        return next((units / FULL for since, units in reversed(self.mirrors) if since <= at), 0.0)

    def _decide(self, desired: DesiredState) -> Step:
        observed, now = self.observed(), self.clock.monotonic()
        drained = now - self._changed_at >= self.drain_seconds
        step = next_step(desired, observed, drained=drained)
        reading = {server.name for server in self.servers.values() if server.spec != server.read}
        self._numbers_wanted = certain_numbers(desired, observed, step, numbered=self.numbers, reading=reading)

        def gone(track: Track) -> bool:
            since = self._unnumbered_at.get(track, -math.inf)
            return track not in self.numbers and now - since >= self.drain_seconds

        return after_numbers(step, observed, gone=gone, drained=drained)

    def _number(self) -> None:
        for track in self.numbers.keys() - self._numbers_wanted.keys():
            self._unnumbered_at[track] = self.clock.monotonic()
        self.numbers = dict(self._numbers_wanted)

    def _mirror(self, desired: DesiredState) -> None:
        units = desired.mirror if Track.SHADOW in self.routes else 0
        if units != (self.mirrors[-1][1] if self.mirrors else 0):
            self.mirrors.append((self.clock.now(), units))
