"""A rollout's world in memory: a real store, real judge and real controller; only processes, requests and time are simulated."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.rollout import (
    OrderKind,
    Plan,
    RolloutController,
    RolloutRecord,
    RolloutState,
    list_rollouts,
    plan_from_dict,
    read_rollout,
    send_order,
    start_rollout,
)
from tfx_rollout.testing import Behaviour, InMemoryEvidence, ManualClock, SimulatedServing
from tfx_rollout.traffic import DesiredState, Label, Track

PLAN = {
    "name": "quick",
    "stages": [
        {"share": 0.1, "min_seconds": 20, "max_seconds": 300, "max_failure_rate": 0.05},
        {"share": 0.5, "min_seconds": 20, "max_seconds": 300, "max_failure_rate": 0.05},
    ],
    "window_seconds": 5,
    "waiting_seconds": 2,
    "min_windows": 3,
    "min_requests": 100,
    "promotion_deadline_seconds": 200,
    "errors": {"weight": 1.0},
    "latency": {"weight": 0.0},
    "predictions": {"weight": 0.0},
    "accuracy": {"weight": 0.0},
}


def make_plan(*, every_stage=None, first=(), last=(), **changes):
    document = {**PLAN, **changes}
    document["stages"] = [*first, *({**stage, **(every_stage or {})} for stage in document["stages"]), *last]
    return plan_from_dict(document)


def publish(base: BasePath, tmp: Path, *marks: str) -> list[int]:
    versions = []
    for mark in marks:
        folder = tmp / f"source-{mark}"
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(mark.encode())
        versions.append(base.publish(folder).version)
    return versions


@dataclass
class World:
    """What the supervisor does, with simulated processes: apply the desired state, report, tick the controller."""

    base: BasePath
    clock: ManualClock
    serving: SimulatedServing
    evidence: InMemoryEvidence
    controller: RolloutController

    @classmethod
    def at(cls, root: Path, **evidence) -> World:
        base = ModelStore(root).model("m")
        clock = ManualClock()
        serving = SimulatedServing("m", clock)
        source = InMemoryEvidence(clock, serving.split_at, mirror_at=serving.mirror_at, waiting_seconds=2.0, **evidence)
        world = cls(base, clock, serving, source, RolloutController(base, source, clock))
        world.restart()
        return world

    def restart(self) -> None:
        """A new controller that knows nothing but the files."""
        self.controller = RolloutController(self.base, self.evidence, self.clock, labels=self.evidence.labels)

    @property
    def states(self) -> list[RolloutState]:
        """The states of all rollouts, oldest first."""
        return list_rollouts(self.base)

    @property
    def state(self) -> RolloutState:
        """The newest rollout's state."""
        return self.states[-1]

    def go_live(self, version: int) -> None:
        """Make a version live without a rollout, as it was before this project came."""
        desired = DesiredState("m", versions=(version,), labels={Label.STABLE: version})
        self.base.write_desired(desired, expected=self.base.desired().generation)
        self.tick()

    def canary(self, behaviour: Behaviour) -> None:
        """Let the canary behave like this from now on."""
        self.evidence.behaviours[Track.CANARY] = behaviour

    def start(self, plan: Plan, version: int = 2) -> str:
        """Submit a rollout."""
        return start_rollout(self.base, version, plan, by="ann", why="a new version")

    def order(self, kind: OrderKind, *, why: str = "to see", **more) -> None:
        """Order something of the newest rollout."""
        send_order(self.base, self.state.id, kind, by="ben", why=why, **more)

    @property
    def record(self) -> RolloutRecord:
        """The newest rollout's record."""
        return read_rollout(self.base, self.state.id)

    @property
    def events(self) -> list[str]:
        """What happened in the newest rollout, in its order."""
        return [event["event"] for event in self.record.events]

    def tick(self, seconds: float = 1.0) -> None:
        self.base.write_observed(self.serving.settle(self.base.desired()))
        self.controller.tick()
        self.clock.advance(seconds)

    @property
    def last_transition(self) -> tuple[str, str]:
        """The phase that was left last in the newest rollout, and the event that did it."""
        event = self.record.events[-1]
        return event["from"], event["event"]

    def wait(self, seconds: float) -> None:
        """Let time pass, in ticks of five seconds."""
        for _ in range(round(seconds / 5)):
            self.tick(5.0)

    def run(self, until: Callable[[RolloutState], bool] = lambda state: state.decided, most: int = 2000) -> RolloutState:
        """Tick until the newest rollout is as wanted."""
        for _ in range(most):
            state = self.state
            if until(state):
                return state
            self.tick()
        raise AssertionError(f"after {most} ticks the rollout is {state.phase}: {state.reason}")


@pytest.fixture
def plan():
    """`plan(key=value, every_stage={...}, first=[...], last=[...])`: a quick plan with these changes and further stages."""
    return make_plan


@pytest.fixture
def world(scratch) -> World:
    """Versions 1 to 3 published, nothing live."""
    world = World.at(scratch / "root")
    publish(world.base, scratch, "a", "b", "c")
    return world


@pytest.fixture
def live(world) -> World:
    """Version 1 live, 2 and 3 published."""
    world.go_live(1)
    return world


@pytest.fixture
def new_world(scratch) -> Callable[[], World]:
    """Makes a world with version 1 live, 2 and 3 published; another one each time."""
    number = itertools.count()

    def make() -> World:
        folder = scratch / str(next(number))
        world = World.at(folder / "root")
        publish(world.base, folder, "a", "b", "c")
        world.go_live(1)
        return world

    return make
