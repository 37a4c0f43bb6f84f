"""Running the A/B tests of one model: evidence from the gateway's access log and the feedback that is given."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from tfx_rollout.errors import RolloutError
from tfx_rollout.evidence.access_log import KEEP_S, AccessLogSource
from tfx_rollout.evidence.cohort_source import CohortSource, FeedbackCohorts, PastWindow
from tfx_rollout.experiment import ExperimentPlan, ExperimentState
from tfx_rollout.experiment.controller import ExperimentController
from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.gateway.log_format import PROGRESS_S
from tfx_rollout.model_store import BasePath, Guard, unguarded
from tfx_rollout.supervisor.rollouts import AFTER_A_BUG_S, SystemClock

log = logging.getLogger("tfx_rollout.supervisor")


class ModelExperiments:
    """The A/B tests of one model, driven one step a turn and told to the log.

    `folder` has the gateway's access logs. `guard` is asked before every write, and raises `LostLease` when it must not happen.
    """

    def __init__(self, base: BasePath, folder: Path, guard: Guard = unguarded) -> None:
        self._base, self._folder, self._guard = base, folder, guard
        self._controller = ExperimentController(base, self._source, SystemClock(), guard=guard)
        self._rests_until = 0.0
        self._told: tuple[str, int] | None = None
        """The test that is told of, and up to which event."""

    def tick(self) -> None:
        """One step of the test that runs, if one does. Raises `RolloutError`."""
        if time.monotonic() < self._rests_until:
            return
        try:
            state = self._controller.tick()
        except RolloutError:
            raise
        except Exception:
            # A fault in judging must not take the serving of every model down.
            log.exception("the A/B test of %s rests for %g s after an error of this program", self._base.name, AFTER_A_BUG_S)
            self._rests_until = time.monotonic() + AFTER_A_BUG_S
            return
        if state is not None:
            self._tell(state)

    def _tell(self, found: ExperimentState) -> None:
        """Says what has happened since the last time."""
        journal = ExperimentJournal(self._base, found.id)
        state = journal.state()
        if self._told is None or self._told[0] != state.id:
            self._told = (state.id, found.events)
            log.info("A/B test %s of %s: %s", state.id, self._base.name, found.reason)
        if state.events > self._told[1]:
            for event in journal.events()[self._told[1] :]:
                log.info("A/B test %s: %s, now %s: %s", state.id, event["event"], event["to"], event["reason"])
            self._told = (state.id, state.events)

    def _source(
        self, journal: ExperimentJournal, plan: ExperimentPlan, state: ExperimentState, past: list[PastWindow]
    ) -> CohortSource:
        # The access log tells of requests under way no sooner than that.
        waiting = max(plan.waiting_seconds, 2 * PROGRESS_S)
        requests = AccessLogSource(
            self._folder,
            waiting_s=waiting,
            model=self._base.name,
            since=max([state.created_at, state.judged_until, *(window.end for window in past)]),
            keep_s=KEEP_S + 2 * (plan.window_seconds + waiting),
        )
        return FeedbackCohorts(self._base, requests, plan.metric, journal.users, past, matured=state.matured, guard=self._guard)
