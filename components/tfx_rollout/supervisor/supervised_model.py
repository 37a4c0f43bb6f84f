"""One model under the supervisor's hand: observe it, take its next step, say what is in force."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace

from tfx_rollout.errors import CorruptState, StorageFault
from tfx_rollout.model_store import BasePath, Guard, unguarded
from tfx_rollout.supervisor.child import Child
from tfx_rollout.supervisor.probe import Answers
from tfx_rollout.supervisor.process_folder import Survivor
from tfx_rollout.supervisor.traffic_link import TrafficLink
from tfx_rollout.traffic import (
    Await,
    Configure,
    DesiredState,
    ObservedState,
    Settled,
    SetTraffic,
    StartServer,
    Step,
    StopServer,
    Stuck,
    after_numbers,
    certain_numbers,
    in_words,
    next_step,
)

log = logging.getLogger("tfx_rollout.supervisor")

IDLE_LOOK_S = 1.0
"""Seconds between two looks at the servers of a model where nothing is left to do."""
DRAIN_SECONDS = 1.0
"""How long a weight of 0 must be in force before its label goes, and a number be gone before its label moves."""


class SupervisedModel:
    """Brings one model from what is in force to what is desired, a step a turn.

    `new_child` makes the (not yet started) model server of a name; `guard` is asked before
    each step and each write. The observed generation starts at 0, since nothing is in force
    that this supervisor did not see; `adopt` makes an exception of what outlived another one.
    """

    def __init__(
        self,
        base: BasePath,
        link: TrafficLink,
        gateway_address: str,
        new_child: Callable[[BasePath, str], Child],
        guard: Guard = unguarded,
    ) -> None:
        self.base = base
        self.children: dict[str, Child] = {}
        self._link = link
        self._gateway_address = gateway_address
        self._new_child = new_child
        self._guard = guard
        self._generation = self._newest = 0
        self._step: Step = Await("the first look")
        self._asked_at = 0.0
        self._written: ObservedState | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing was left to do in the last turn."""
        return isinstance(self._step, Settled)

    def adopt(self, survivors: Mapping[str, Survivor]) -> None:
        """Goes on with the servers that an earlier supervisor started. Raises `StorageFault`."""
        try:
            seen = self.base.observed() or ObservedState(self.base.name)
        except CorruptState as error:
            log.warning("%s", error)
            seen = ObservedState(self.base.name)
        for name, survivor in survivors.items():
            child = self._new_child(self.base, name)
            child.adopt(survivor, seen.server(name))
            self.children[name] = child
        if self._link.in_force(self.base.name) is not None:
            self._generation, self._written = seen.generation, seen

    def begin_anew(self) -> None:
        """Forgets what was applied, since another supervisor may have acted meanwhile; what serves goes on."""
        self._generation = self._newest = 0
        self._written = None
        self._step = Await("the first look")

    def tend(self) -> None:
        """Keeps its servers running as they are, and takes no step."""
        for name, child in list(self.children.items()):
            child.tick()
            self._link.locate(name, child.ports)
            if child.gone:
                del self.children[name]
                self._link.forget(name)

    @property
    def _unheard(self) -> bool:
        """Whether an adopted server may yet say for the first time what it holds: till then it looks like a dead one."""
        return any(child.unheard for child in self.children.values())

    def ask(self, now: float) -> list[Future[Answers]]:
        """Begins a look at each of its servers; seldom where nothing is going on."""
        if self.settled and 0 <= now - self._asked_at < IDLE_LOOK_S:
            return []
        self._asked_at = now
        return [round for child in self.children.values() if (round := child.ask()) is not None]

    def collect(self) -> None:
        """Takes over what the looks saw that have ended."""
        for child in self.children.values():
            child.collect()

    def take_step(self) -> bool:
        """Takes the next step towards the desired state; whether anything was done.

        Raises `RolloutError` when the desired state cannot be read, a file not be written or
        the lease is lost; what serves goes on serving.
        """
        self._guard()
        desired = self.base.desired()
        if desired.generation < self._newest:
            # A lost file would otherwise read as "serve nothing", and a storage that is away for a moment as well.
            raise StorageFault(
                str(self.base.control / "desired.json"),
                f"went back from generation {self._newest} to {desired.generation}; what serves goes on",
                "restore it, or start the supervisor again to accept it",
            )
        self._newest = desired.generation
        self.tend()
        if self._unheard:
            return False
        self._step = self._decide(desired)
        return self._apply(self._step, desired)

    def publish(self, now: float) -> None:
        """Writes the observed state, when it says anything new. `now` in seconds since the epoch."""
        observed = self._observe()
        unchanged = self._written is not None and observed == replace(self._written, at=0.0)
        if unchanged or (self._written is None and not self._generation and not self.children and self.settled):
            return
        if self._unheard:
            return
        self._written = replace(observed, at=now)
        self.base.write_observed(self._written, guard=self._guard)

    def publish_end(self, now: float) -> None:
        """Writes that nothing of this model is in force any more."""
        if self._written is not None:
            gone = ObservedState(self.base.name, step="the supervisor has stopped", at=now)
            self.base.write_observed(gone, guard=self._guard)

    def _decide(self, desired: DesiredState) -> Step:
        """The next step; on the way also which track has which number at the gateway."""
        link, model, observed = self._link, self.base.name, self._observe()
        drained = link.in_force_for(model) >= DRAIN_SECONDS
        step = next_step(desired, observed, drained=drained)
        reading = {name for name, child in self.children.items() if child.reading}
        numbers = certain_numbers(desired, observed, step, numbered=link.numbers(model), reading=reading)
        link.shape(model, desired, numbers)
        return after_numbers(
            step, observed, gone=lambda track: link.unnumbered_for(model, track) >= DRAIN_SECONDS, drained=drained
        )

    def _apply(self, step: Step, desired: DesiredState) -> bool:
        model = self.base.name
        if isinstance(step, StartServer):
            child = self._new_child(self.base, step.server)
            child.configure(step.spec)
            child.tick()
            self.children[step.server] = child
            self._link.locate(step.server, child.ports)
        elif isinstance(step, Configure):
            self.children[step.server].configure(step.spec)
        elif isinstance(step, SetTraffic):
            self._link.route(model, step.split, step.routes)
        elif isinstance(step, StopServer):
            self.children[step.server].stop()
        elif isinstance(step, Settled) and desired.generation != self._generation and self._link.confirmed:
            self._generation = desired.generation
            log.info("generation %d of %s is in force: %s", desired.generation, model, _said(desired))
        return isinstance(step, (StartServer, Configure, SetTraffic, StopServer))

    def _observe(self) -> ObservedState:
        in_force = self._link.in_force(self.base.name)
        faults = [child.fault for child in self.children.values()]
        stuck = self._step.reason if isinstance(self._step, Stuck) else None
        state = ObservedState(
            model=self.base.name,
            generation=self._generation,
            servers=tuple(child.observation() for _, child in sorted(self.children.items())),
            gateway_address=self._gateway_address,
            step=in_words(self._step),
            fault=stuck or next(filter(None, [*faults, self._link.fault]), None),
        )
        if in_force is None:
            return state
        return replace(state, split=in_force.split, routes=in_force.routes, split_since=in_force.since)


def _said(desired: DesiredState) -> str:
    labels = ", ".join(f"{label} {version}" for label, version in desired.names.items())
    pinned = f"; pinned {', '.join(map(str, desired.pinned))}" if desired.pinned else ""
    return f"{labels or 'no labels'}{pinned}; {desired.split}"
