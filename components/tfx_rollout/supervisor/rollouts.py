"""Running the rollouts of all models: each gets a controller, and evidence by what its plan needs."""

from __future__ import annotations

import logging
import time

from tfx_rollout.errors import RolloutError
from tfx_rollout.evidence.feedback_inbox import take_in
from tfx_rollout.evidence.needs import EvidenceNeeds
from tfx_rollout.gateway.log_format import PROGRESS_S
from tfx_rollout.model_store import BasePath, Guard, unguarded
from tfx_rollout.rollout import Plan, RolloutController, RolloutState
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.rollout.one_at_a_time import current_rollout
from tfx_rollout.supervisor.evidence_pool import EvidencePool, RolloutEvidence

log = logging.getLogger("tfx_rollout.supervisor")

AFTER_A_BUG_S = 30.0
"""How long the rollouts of a model rest after an exception that nobody foresaw."""
INBOX_S = 1.0
"""How often the folder for feedback is looked at."""


class SystemClock:
    """The machine's clocks, in seconds."""

    def now(self) -> float:
        """Since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Since some fixed moment."""
        return time.monotonic()


def evidence_needs(plan: Plan, state: RolloutState, stages: tuple[float, ...]) -> EvidenceNeeds:
    """What the evidence for a rollout must tell; `stages` is when each stage so far opened (epoch seconds)."""
    metrics = plan.weights()
    by_prediction = "predictions" in metrics or "accuracy" in metrics
    return EvidenceNeeds(
        model=state.model,
        began=state.created_at,
        judged_until=state.judged_until,
        window_s=plan.window_seconds,
        # The access log tells of requests under way no sooner than that.
        waiting_s=max(plan.waiting_seconds, 2 * PROGRESS_S),
        spacing_s=plan.latency.spacing_ms / 1000,
        unit=plan.unit,
        stages=stages,
        candidate=state.version if by_prediction else None,
        label_ages=plan.accuracy.ages if "accuracy" in metrics else (),
    )


class ModelRollouts:
    """The rollouts of one model, driven one step a turn and told to the log, and the feedback that is put into its inbox."""

    def __init__(self, base: BasePath, pool: EvidencePool, guard: Guard = unguarded) -> None:
        """`guard` is asked before every write of a rollout, and raises `LostLease` when it must not happen."""
        self._base, self._pool, self._guard = base, pool, guard
        self._unfinished = Journal.unfinished(base)
        self._driven: _Driven | None = None
        self._rests_until = self._inbox_at = 0.0
        self._inbox_fault = ""
        self.need: EvidenceNeeds | None = None
        """What the rollout that runs needs of the evidence; None when none does."""

    def tick(self) -> None:
        """One step of the rollout that runs or waits, if there is one. Raises `RolloutError`."""
        self._look_into_inbox()
        if time.monotonic() < self._rests_until:
            return
        state = current_rollout(self._unfinished)
        self.need = None
        if state is None:
            return
        if self._driven is None or self._driven.journal.id != state.id:
            self._driven = _Driven(Journal(self._base, state.id), state)
            log.info("rollout %s of %s: version %d, %s", state.id, self._base.name, state.version, state.reason)
        self.need = evidence_needs(self._driven.plan, state, self._driven.stages)
        controller = self._driven.controller(self._base, self._pool.of(self._base, self.need), self._guard)
        try:
            controller.tick()
        except RolloutError:
            raise
        except Exception:
            # A fault in judging must not take the serving of every model down.
            log.exception("the rollout of %s rests for %g s after an error of this program", self._base.name, AFTER_A_BUG_S)
            self._rests_until = time.monotonic() + AFTER_A_BUG_S
        self._driven.tell()

    def _look_into_inbox(self) -> None:
        """Takes feedback in. A fault of that keeps no rollout from going on; it is said once."""
        if time.monotonic() < self._inbox_at:
            return
        self._inbox_at = time.monotonic() + INBOX_S
        try:
            for sentence in take_in(self._base):
                log.info("feedback for %s: %s", self._base.name, sentence)
            self._inbox_fault = ""
        except RolloutError as error:
            if str(error) != self._inbox_fault:
                log.error("feedback for %s: %s", self._base.name, error)
            self._inbox_fault = str(error)


class _Driven:
    """The rollout that is driven: its journal, its controller, and how much of it was told."""

    def __init__(self, journal: Journal, state: RolloutState) -> None:
        self.journal, self.plan = journal, journal.plan()
        self._events, self._windows = state.events, state.windows
        self.stages = stage_openings(journal)
        """When each stage so far opened (epoch seconds)."""
        self._made: tuple[RolloutEvidence, RolloutController] | None = None

    def controller(self, base: BasePath, evidence: RolloutEvidence, guard: Guard) -> RolloutController:
        """The controller over this evidence."""
        if self._made is None or self._made[0] is not evidence:
            made = RolloutController(base, evidence.source, SystemClock(), labels=evidence.labels, guard=guard)
            self._made = (evidence, made)
        return self._made[1]

    def tell(self) -> None:
        """Says what has happened since the last time."""
        state = self.journal.state()
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
            self.stages = stage_openings(self.journal)
            for event in self.journal.events()[self._events :]:
                log.info("rollout %s: %s, now %s: %s", state.id, event["event"], event["to"], event["reason"])
        self._events, self._windows = state.events, state.windows


def stage_openings(journal: Journal) -> tuple[float, ...]:
    """When each stage so far was first asked for (epoch seconds), by the record: who counts again counts the same."""
    openings: dict[int, float] = {}
    for event in journal.events():
        if event["stage"] >= 0:
            openings.setdefault(event["stage"], event["at"])
    return tuple(openings[stage] for stage in sorted(openings))
