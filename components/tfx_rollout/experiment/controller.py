"""The controller: drives one model's A/B tests, a step at a time. The one place here that acts.

It does not start or configure processes: the supervisor applies the desired state.
"""

from __future__ import annotations

from collections.abc import Callable

from tfx_rollout.evidence.cohort_source import CohortSource, PastWindow
from tfx_rollout.experiment.driver import ExperimentDriver
from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.experiment.plan import ExperimentPlan
from tfx_rollout.experiment.state import ExperimentState
from tfx_rollout.experiment.windows import as_past
from tfx_rollout.model_store import BasePath, Guard, unguarded
from tfx_rollout.rollout.clock import Clock, JumpWatch

SourceMaker = Callable[[ExperimentJournal, ExperimentPlan, ExperimentState, list[PastWindow]], CohortSource]
"""Makes the source of one test, from its journal, plan, state, and the windows that are on record."""


class ExperimentController:
    """Drives the A/B tests of one model. There may be only one controller of a model at a time.

    `guard` is called before every write; what it raises (`LostLease`) ends the tick before anything was written.
    """

    def __init__(self, base: BasePath, new_source: SourceMaker, clock: Clock, *, guard: Guard = unguarded) -> None:
        self._base, self._new_source, self._clock, self._guard = base, new_source, clock, guard
        self._unfinished = ExperimentJournal.unfinished(base)
        self._driver: ExperimentDriver | None = None
        self._jumps = JumpWatch()

    @property
    def driven(self) -> ExperimentJournal | None:
        """The record of the test that was driven last."""
        return None if self._driver is None else self._driver.journal

    def tick(self) -> ExperimentState | None:
        """One step of the test that runs, if one does; the state that it was found in. Call it several times a second."""
        jump = self._jumps.jump(self._clock.now(), self._clock.monotonic())
        state = next(iter(self._unfinished), None)
        if state is None:
            self._driver = None
            return None
        if self._driver is None or self._driver.journal.id != state.id:
            self._driver = self._driver_of(state)
        try:
            if jump:
                self._driver.clock_jumped(state, jump)
            else:
                self._driver.step(state)
        except Exception:
            # What it knows may not be what is on record: the next tick begins from the files.
            self._driver = None
            raise
        return state

    def _driver_of(self, state: ExperimentState) -> ExperimentDriver:
        journal = ExperimentJournal(self._base, state.id, guard=self._guard)
        plan = journal.plan()
        source = self._new_source(journal, plan, state, [as_past(window) for window in journal.windows()])
        return ExperimentDriver(self._clock, journal, plan, source)
