"""A root that is served in a thread: real store, judge and controller; processes, requests and time are simulated."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping

from tfx_rollout.evidence.cohort_source import CohortSource, FeedbackCohorts, PastWindow
from tfx_rollout.evidence.feedback import append_feedback
from tfx_rollout.experiment import ExperimentPlan, ExperimentState, read_experiment, running_experiment
from tfx_rollout.experiment.controller import ExperimentController
from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout import RolloutController
from tfx_rollout.supervisor.presence import SupervisorInfo, announce, presence
from tfx_rollout.testing.clock import ManualClock
from tfx_rollout.testing.evidence import Behaviour, InMemoryEvidence
from tfx_rollout.testing.serving import SimulatedServing
from tfx_rollout.testing.users import Habit, SimulatedUsers
from tfx_rollout.traffic import Track


class ServedRoot:
    """Stands in for `tfx-rollout serve` while one model's steps are tested; use it in `with`.

    `canary` is how the candidate of a rollout behaves, `habits` what the users of an A/B test do. Each turn takes 4 seconds of
    simulated time; `pause`, which may be set meanwhile, is how many real seconds go by between two turns.
    """

    def __init__(
        self,
        base: BasePath,
        canary: Behaviour | None = None,
        *,
        habits: Mapping[Track, Habit] | None = None,
        pause: float = 0.0,
    ) -> None:
        self.base = base
        self.pause = pause
        clock = ManualClock(time.time())
        self._serving = SimulatedServing(base.name, clock)
        evidence = InMemoryEvidence(clock, self._serving.split_at, canary=canary or Behaviour(), waiting_seconds=2.0)
        self._controller = RolloutController(base, evidence, clock)
        self._users = SimulatedUsers(clock, self._serving.split_at, habits or {})
        self._experiments = ExperimentController(base, self._cohorts, clock)
        self._told_until = clock.now()
        self._clock = clock
        self._stopped = threading.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        root = self.base.store.root
        with presence(root):
            announce(root, SupervisorInfo(os.getpid(), "127.0.0.1:8500", "127.0.0.1:9901", self._clock.now()))
            self._up.set()
            while not self._stopped.is_set():
                self.base.write_observed(self._serving.settle(self.base.desired()))
                self._controller.tick()
                self._tell()
                self._experiments.tick()
                self._clock.advance(4.0)
                began = time.monotonic()
                while time.monotonic() - began < self.pause and not self._stopped.wait(0.01):
                    continue

    def _tell(self) -> None:
        """Lets users of the A/B test that runs, if one does, tell how it was."""
        now, running = self._clock.now(), running_experiment(self.base)
        if running is not None:
            metric = read_experiment(self.base, running.id).plan.metric
            said = self._users.feedback(self._told_until, now, metric.name, metric.kind)
            append_feedback(self.base, list(said), now=self._clock.now)
        self._told_until = now

    def _cohorts(
        self, journal: ExperimentJournal, plan: ExperimentPlan, state: ExperimentState, past: list[PastWindow]
    ) -> CohortSource:
        return FeedbackCohorts(
            self.base, self._users, plan.metric, journal.users, past, matured=state.matured, now=self._clock.now
        )

    def __enter__(self) -> ServedRoot:
        self._thread.start()
        assert self._up.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(30)
