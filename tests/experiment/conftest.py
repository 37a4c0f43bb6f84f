"""An A/B test's world: a real store, real evidence, judge and controller; only processes, requests and time are simulated."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tfx_rollout.evidence.cohort_source import FeedbackCohorts
from tfx_rollout.evidence.feedback import append_feedback
from tfx_rollout.experiment import (
    ExperimentPlan,
    ExperimentRecord,
    ExperimentState,
    experiment_from_dict,
    list_experiments,
    read_experiment,
    send_experiment_order,
    start_experiment,
)
from tfx_rollout.experiment.controller import ExperimentController
from tfx_rollout.model_store import BasePath, Guard, ModelStore, unguarded
from tfx_rollout.testing import ManualClock, SimulatedServing
from tfx_rollout.testing.users import SimulatedUsers
from tfx_rollout.traffic import DesiredState, Label

PLAN = {
    "name": "quick",
    "header": "x-user-id",
    "variants": [{"version": 2, "share": 0.4}],
    "metric": {"name": "conversion", "kind": "event", "within_seconds": 10},
    "window_seconds": 5,
    "waiting_seconds": 1,
    "min_units": 20,
    "max_days": 1,
}


def make_plan(*, metric=None, **changes) -> ExperimentPlan:
    return experiment_from_dict({**PLAN, **changes, "metric": {**PLAN["metric"], **(metric or {})}})


@dataclass
class World:
    """What the supervisor does, with simulated processes and users: apply the desired state, take feedback in, tick."""

    base: BasePath
    clock: ManualClock
    serving: SimulatedServing
    users: SimulatedUsers
    controller: ExperimentController
    said_until: float = 0.0
    plan: ExperimentPlan | None = None

    @classmethod
    def at(cls, root: Path) -> World:
        base, clock = ModelStore(root).model("m"), ManualClock()
        serving = SimulatedServing("m", clock)
        users = SimulatedUsers(clock, serving.split_at)
        world = cls(base, clock, serving, users, None, clock.now())  # type: ignore[arg-type]
        world.restart()
        return world

    def restart(self, *, guard: Guard = unguarded) -> None:
        """A new controller that knows nothing but the files."""

        def source(journal, plan, state, past):
            return FeedbackCohorts(
                self.base, self.users, plan.metric, journal.users, past, matured=state.matured, now=self.clock.now, guard=guard
            )

        self.controller = ExperimentController(self.base, source, self.clock, guard=guard)

    def start(self, plan: ExperimentPlan) -> str:
        self.plan = plan
        return start_experiment(self.base, plan, by="ann", why="to see", clock=self.clock.now)

    def order(self, kind, **more) -> None:
        send_experiment_order(self.base, self.state.id, kind, by="ben", why="enough", **more)

    @property
    def state(self) -> ExperimentState:
        return list_experiments(self.base)[-1]

    @property
    def record(self) -> ExperimentRecord:
        return read_experiment(self.base, self.state.id)

    @property
    def events(self) -> list[str]:
        return [event["event"] for event in self.record.events]

    def prepare(self) -> None:
        """What happens beside the controller: processes, and feedback."""
        self.base.write_observed(self.serving.settle(self.base.desired()))
        if self.plan is not None and self.clock.now() - self.said_until >= 5:
            metric = self.plan.metric
            rows = list(self.users.feedback(self.said_until, self.clock.now(), metric.name, metric.kind))
            append_feedback(self.base, rows, now=self.clock.now)
            self.said_until = self.clock.now()

    def tick(self, seconds: float = 1.0) -> None:
        self.prepare()
        self.controller.tick()
        self.clock.advance(seconds)

    def run(self, until: Callable[[ExperimentState], bool] = lambda state: state.finished, most: int = 1000) -> ExperimentState:
        for _ in range(most):
            state = self.state
            if until(state):
                return state
            self.tick()
        raise AssertionError(f"after {most} ticks the test is {state.phase}: {state.reason}; {state.verdict}")


@pytest.fixture
def plan():
    """`plan(key=value, metric={...})`: a quick plan with these changes."""
    return make_plan


@pytest.fixture
def world(new_world) -> World:
    """Version 1 live, 2 to 4 published."""
    return new_world()


@pytest.fixture
def new_world(scratch) -> Callable[[], World]:
    """Makes a world with version 1 live, 2 to 4 published; another one each time, in which the same happens."""
    number = itertools.count()

    def make() -> World:
        place = scratch / str(next(number))
        world = World.at(place / "root")
        for mark in "abcd":
            folder = place / f"source-{mark}"
            folder.mkdir(parents=True)
            (folder / "saved_model.pb").write_bytes(mark.encode())
            world.base.publish(folder)
        world.base.write_desired(DesiredState("m", versions=(1,), labels={Label.STABLE: 1}), expected=0)
        world.base.write_observed(world.serving.settle(world.base.desired()))
        return world

    return make


CHANGES = frozenset({"fsync", "replace", "rename", "unlink", "mkdir", "truncate", "write"})
"""Calls that change something on disk."""


@pytest.fixture
def killed_before() -> Callable[[int, Callable[[], object]], bool]:
    """Runs the function in a process of its own that is killed (SIGKILL) before its n-th change of the disk; whether it was."""

    def run(change: int, act: Callable[[], object]) -> bool:
        pid = os.fork()
        if pid == 0:
            left = change

            def profile(frame: FrameType, event: str, called: Any) -> None:
                nonlocal left
                if event != "c_call" or called.__name__ not in CHANGES:
                    return
                module = called.__module__ or type(getattr(called, "__self__", None)).__module__
                if module in ("posix", "_io", "io"):
                    left -= 1
                    if not left:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.setprofile(profile)
            act()
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status) or not os.WEXITSTATUS(status), "the function failed"
        return os.WIFSIGNALED(status)

    return run
