"""Running the rollouts of all models: each gets a controller, and evidence that waits as long as its plan says."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from pathlib import Path

from tfx_rollout.errors import RolloutError
from tfx_rollout.evidence import IntervalCounts
from tfx_rollout.evidence.access_log import AccessLogSource
from tfx_rollout.gateway.log_format import PROGRESS_S
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout import Phase, RolloutController, RolloutState
from tfx_rollout.rollout.journal import Journal, rollout_ids

log = logging.getLogger("tfx_rollout.supervisor")

AFTER_A_BUG_S = 30.0
"""How long the rollouts of a model rest after an exception that nobody foresaw."""


class SystemClock:
    """The machine's clocks, in seconds."""

    def now(self) -> float:
        """Since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Since some fixed moment."""
        return time.monotonic()


class EvidencePool:
    """One reader of the gateway's access log per waiting time, for all models that are in need of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sources: dict[float, AccessLogSource] = {}

    def source(self, waiting_s: float) -> AccessLogSource:
        """The reader that counts a request as unanswered after this time."""
        if waiting_s not in self._sources:
            self._sources[waiting_s] = AccessLogSource(self._folder, waiting_s=waiting_s)
        return self._sources[waiting_s]

    def retain(self, needs: Collection[tuple[float, float]]) -> None:
        """Frees what none of these needs, each a waiting time and since when (epoch seconds) requests matter."""
        for waiting_s in list(self._sources):
            since = [start for waiting, start in needs if waiting == waiting_s]
            if since:
                self._sources[waiting_s].forget(min(since))
            else:
                del self._sources[waiting_s]


class ModelRollouts:
    """The rollouts of one model, driven one step a turn and told to the log."""

    def __init__(self, base: BasePath, pool: EvidencePool) -> None:
        self._base, self._pool = base, pool
        self._controller = RolloutController(base, self, SystemClock())
        self._finished: set[str] = set()
        self._driven: Journal | None = None
        self._waiting_s = 0.0
        self._events = self._windows = 0
        self._rests_until = 0.0
        self.need: tuple[float, float] | None = None
        """Waiting time, and since when evidence matters, of the rollout that runs; None when none does."""

    # The controller's source of evidence: the pool's reader for the plan of the rollout that it drives.

    def horizon(self) -> float:
        """See `EvidenceSource`."""
        return self._pool.source(self._waiting_s).horizon()

    def counts(self, model: str, start: float, end: float) -> IntervalCounts:
        """See `EvidenceSource`."""
        return self._pool.source(self._waiting_s).counts(model, start, end)

    def tick(self) -> None:
        """One step of the rollout that runs or waits, if there is one. Raises `RolloutError`."""
        if time.monotonic() < self._rests_until:
            return
        state = self._current()
        self.need = None
        if state is None:
            return
        if self._driven is None or self._driven.id != state.id:
            self._driven = Journal(self._base, state.id)
            # The access log tells of requests under way no sooner than that.
            self._waiting_s = max(self._driven.plan().waiting_seconds, 2 * PROGRESS_S)
            self._events, self._windows = state.events, state.windows
            log.info("rollout %s of %s: version %d, %s", state.id, self._base.name, state.version, state.reason)
        self.need = (self._waiting_s, state.judged_until or state.created_at)
        try:
            self._controller.tick()
        except RolloutError:
            raise
        except Exception:
            # A fault in judging must not take the serving of every model down.
            log.exception("the rollout of %s rests for %g s after an error of this program", self._base.name, AFTER_A_BUG_S)
            self._rests_until = time.monotonic() + AFTER_A_BUG_S
        self._tell(self._driven)

    def _current(self) -> RolloutState | None:
        """What the controller drives: the rollout that has begun, else the first that waits."""
        waiting = None
        for rollout in rollout_ids(self._base):
            if rollout not in self._finished:
                state = Journal(self._base, rollout).state()
                if state.finished:
                    self._finished.add(rollout)
                elif state.phase is not Phase.QUEUED:
                    return state
                else:
                    waiting = waiting or state
        return waiting

    def _tell(self, journal: Journal) -> None:
        state = journal.state()
        if state.windows > self._windows and state.verdict is not None:
            verdict = state.verdict
            log.info(
                "rollout %s, window %d: %s (evidence %.3g of %g); %s",
                state.id,
                state.windows,
                verdict.call,
                verdict.e_value,
                verdict.threshold,
                verdict.reasons[0] if verdict.reasons else "",
            )
        if state.events > self._events:
            for event in journal.events()[self._events :]:
                log.info("rollout %s: %s, now %s: %s", state.id, event["event"], event["to"], event["reason"])
        self._events, self._windows = state.events, state.windows
