"""A rollout's world in memory: a real store, real judge and real controller; only processes, requests and time are simulated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.rollout import RolloutController, RolloutState, list_rollouts, plan_from_dict
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
}


def make_plan(**changes):
    stage = changes.pop("every_stage", {})
    document = {**PLAN, **changes}
    document["stages"] = [{**s, **stage} for s in document["stages"]]
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
        source = InMemoryEvidence(clock, serving.split_at, waiting_seconds=2.0, **evidence)
        return cls(base, clock, serving, source, RolloutController(base, source, clock))

    @property
    def state(self) -> RolloutState:
        """The newest rollout's state."""
        return list_rollouts(self.base)[-1]

    def go_live(self, version: int) -> None:
        """Make a version live without a rollout, as it was before this project came."""
        desired = DesiredState("m", versions=(version,), labels={Label.STABLE: version})
        self.base.write_desired(desired, expected=self.base.desired().generation)
        self.tick()

    def canary(self, behaviour: Behaviour) -> None:
        """Let the canary behave like this from now on."""
        self.evidence.behaviours[Track.CANARY] = behaviour

    def tick(self, seconds: float = 1.0) -> None:
        self.base.write_observed(self.serving.settle(self.base.desired()))
        self.controller.tick()
        self.clock.advance(seconds)

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
    """`plan(key=value, every_stage={...})`: a quick plan with these changes."""
    return make_plan


@pytest.fixture
def world(tmp_path) -> World:
    """Versions 1 to 3 published, nothing live."""
    world = World.at(tmp_path / "root")
    publish(world.base, tmp_path, "a", "b", "c")
    return world


@pytest.fixture
def live(world) -> World:
    """Version 1 live, 2 and 3 published."""
    world.go_live(1)
    return world
