"""Snapshots of a rollout and of an A/B test that were carried out with simulated processes and requests."""

from __future__ import annotations

import pytest

from tfx_rollout.cli.live.snapshot import ExperimentSnapshot, RolloutSnapshot, read_experiment_snapshot, read_rollout_snapshot
from tfx_rollout.control.local import LocalControl
from tfx_rollout.evidence.cohort_source import FeedbackCohorts
from tfx_rollout.evidence.feedback import append_feedback
from tfx_rollout.experiment import experiment_from_dict, start_experiment
from tfx_rollout.experiment.controller import ExperimentController
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.rollout import RolloutController, plan_from_dict, start_rollout
from tfx_rollout.testing import Behaviour, InMemoryEvidence, ManualClock, SimulatedServing
from tfx_rollout.testing.users import SimulatedUsers
from tfx_rollout.traffic import Label

ROLLOUT = {
    "name": "three-stages",
    "stages": [{"share": 0.1, "min_seconds": 30, "max_failure_rate": 0.1}, {"share": 0.5, "min_seconds": 500}, {"kind": "bake"}],
    "window_seconds": 5,
    "waiting_seconds": 2,
    "min_windows": 3,
    "min_requests": 50,
}
AB_TEST = {
    "name": "ranking",
    "header": "x-user-id",
    "variants": [{"version": 2, "share": 0.4}],
    "metric": {"name": "conversion", "kind": "event", "within_seconds": 10},
    "window_seconds": 5,
    "waiting_seconds": 1,
    "min_units": 20,
}


def published(root) -> BasePath:
    base = ModelStore(root / "root").model("taxi")
    for mark in ("one", "two"):
        (root / mark).mkdir()
        (root / mark / "saved_model.pb").write_text(mark)
        base.publish(root / mark)
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


@pytest.fixture(scope="session")
def rollout_course(tmp_path_factory) -> list[RolloutSnapshot]:
    """Every ten seconds of a rollout that is turned back: its candidate fails two of a thousand requests."""
    base = published(tmp_path_factory.mktemp("rollout"))
    clock = ManualClock()
    serving = SimulatedServing("taxi", clock)
    evidence = InMemoryEvidence(clock, serving.split_at, canary=Behaviour(failures=0.002), waiting_seconds=2.0)
    controller = RolloutController(base, evidence, clock)
    control = LocalControl(base.store, by="ann")
    rollout = start_rollout(base, 2, plan_from_dict(ROLLOUT), by="ann", why="a better model")
    course = []
    while not course or not course[-1].rollout.finished:
        for _ in range(10):
            base.write_observed(serving.settle(base.desired()))
            controller.tick()
            clock.advance(1)
        course.append(read_rollout_snapshot(control, "taxi", rollout, clock.now()))
    return course


@pytest.fixture(scope="session")
def experiment_course(tmp_path_factory) -> list[ExperimentSnapshot]:
    """Every ten seconds of an A/B test that a variant wins."""
    base = published(tmp_path_factory.mktemp("experiment"))
    clock = ManualClock()
    serving = SimulatedServing("taxi", clock)
    users = SimulatedUsers(clock, serving.split_at)
    plan = experiment_from_dict(AB_TEST)

    def source(journal, plan, state, past):
        return FeedbackCohorts(base, users, plan.metric, journal.users, past, matured=state.matured, now=clock.now)

    controller = ExperimentController(base, source, clock)
    control = LocalControl(base.store, by="ann")
    experiment = start_experiment(base, plan, by="ann", why="to see", clock=clock.now)
    course: list[ExperimentSnapshot] = []
    said = clock.now()
    while len(course) < 12:
        for _ in range(10):
            base.write_observed(serving.settle(base.desired()))
            controller.tick()
            clock.advance(1)
        append_feedback(base, list(users.feedback(said, clock.now(), "conversion", "event")), now=clock.now)
        said = clock.now()
        course.append(read_experiment_snapshot(control, "taxi", experiment, clock.now()))
    return course
