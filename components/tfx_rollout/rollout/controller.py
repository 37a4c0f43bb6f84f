"""The controller: drives one model's rollouts, a step at a time. The one place here that acts.

Each tick it finds the model's current rollout and takes that one's next step (`driver`). It does
not start or configure processes: the supervisor applies the desired state.
"""

from __future__ import annotations

from tfx_rollout.evidence import EvidenceSource
from tfx_rollout.evidence.labels import LabelSource
from tfx_rollout.model_store import BasePath, Guard, unguarded
from tfx_rollout.rollout.clock import Clock, JumpWatch
from tfx_rollout.rollout.driver import RolloutDriver
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.rollout.one_at_a_time import current_rollout
from tfx_rollout.rollout.windows import WindowCloser


class RolloutController:
    """Drives the rollouts of one model. There may be only one controller of a model at a time.

    `source` counts requests, `labels` the labels that arrive later, where there are any. `guard` is called before
    every write; what it raises (`LostLease`) ends the tick before anything was written.
    """

    def __init__(
        self,
        base: BasePath,
        source: EvidenceSource,
        clock: Clock,
        *,
        labels: LabelSource | None = None,
        guard: Guard = unguarded,
    ) -> None:
        self._base, self._source, self._clock = base, source, clock
        self._labels, self._guard = labels, guard
        self._unfinished = Journal.unfinished(base)
        self._driver: RolloutDriver | None = None
        self._jumps = JumpWatch()

    def tick(self) -> None:
        """One step of the model's current rollout, if it has one. Call it several times a second."""
        jump = self._jumps.jump(self._clock.now(), self._clock.monotonic())
        current = current_rollout(self._unfinished)
        if current is None:
            return
        if self._driver is None or self._driver.journal.id != current.id:
            self._driver = self._driver_of(current.id)
        if jump:
            self._driver.clock_jumped(current, jump)
        else:
            self._driver.step(current)

    def _driver_of(self, rollout: str) -> RolloutDriver:
        journal = Journal(self._base, rollout, guard=self._guard)
        plan = journal.plan()
        closer = WindowCloser(self._base.name, plan, self._source, self._labels, journal.windows())
        return RolloutDriver(self._clock, journal, plan, closer)
