"""Where an A/B test gets its counts from: users from the requests that were drawn, outcomes from feedback about these.

Counting is repeatable: who was seen is on disk before a window is recorded, and what was recorded alone counts. So a source
that begins anew, in another process, goes on as the one before it would have.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from tfx_rollout.errors import CorruptState
from tfx_rollout.evidence.cohort_counts import Arrivals, Outcomes
from tfx_rollout.evidence.cohort_store import Block, CohortStore, Span
from tfx_rollout.evidence.cohorts import KEPT, Arrived, Cohort, Kept, Times, UserRequests, arrivals, merged, outcomes
from tfx_rollout.evidence.feedback_follower import FeedbackFollower
from tfx_rollout.evidence.metric import Metric
from tfx_rollout.evidence.metric_records import MetricRecords
from tfx_rollout.evidence.request_records import KeptRequest, microseconds
from tfx_rollout.evidence.seen_users import SeenUsers
from tfx_rollout.model_store import BasePath, Guard, unguarded
from tfx_rollout.traffic import Track


class DrawnRequests(Protocol):
    """What is known of requests one by one; `AccessLogSource` is one. Times in seconds since the epoch."""

    def horizon(self) -> float:
        """Up to when intervals may be closed."""

    def drawn(self, model: str, start: float, end: float) -> Sequence[KeptRequest]:
        """The drawn requests that started in `[start, end)`."""

    def complete(self, start: float, end: float) -> bool:
        """Whether all that started in `[start, end)` is known."""

    def forget(self, before: float) -> None:
        """Frees what started before this time."""


@dataclass(frozen=True)
class PastWindow:
    """A window that was recorded: its number and `[start, end)`, and whether it is void."""

    number: int
    start: float
    end: float
    void: bool = False

    @property
    def span(self) -> Span:
        return self.start, self.end


@dataclass(frozen=True)
class WindowArrivals:
    """Who came in an interval, by arm, how many requests told no user, and whether the interval is fully known."""

    arms: Mapping[Track, Arrivals] = field(default_factory=dict)
    unassigned: int = 0
    gap: bool = False


@dataclass(frozen=True)
class WindowOutcomes:
    """What became of a window's users, by arm, and how many rows of feedback were no values of the metric."""

    arms: Mapping[Track, Outcomes] = field(default_factory=dict)
    ignored: int = 0


class CohortSource(Protocol):
    """What the controller of a test asks. Times in seconds since the epoch."""

    def horizon(self) -> float:
        """Up to when windows may be closed."""

    def feedback_horizon(self) -> float:
        """Up to when all feedback is known that had arrived by then."""

    def complete(self, start: float, end: float) -> bool:
        """Whether all that started in `[start, end)` is known."""

    def arrivals(self, number: int, start: float, end: float) -> WindowArrivals:
        """Who came in the next window; kept for later, but counted from `recorded` on only."""

    def recorded(self, window: PastWindow) -> None:
        """This window is on record."""

    def outcomes(self, number: int) -> WindowOutcomes:
        """What became of the users of a recorded window that is not void. All requests and all feedback that count must be
        known: up to the window's end and the metric's `within_seconds`."""

    def matured(self, number: int) -> None:
        """These outcomes are on record, and all before; they are not asked for again."""


class FeedbackCohorts:
    """`CohortSource` over drawn requests, a model's feedback and a folder for what must outlast both.

    `past` has the windows that were recorded before, `matured` is the number of the last one whose outcomes are on record.
    Not for use by several threads at once.
    """

    def __init__(
        self,
        base: BasePath,
        requests: DrawnRequests,
        metric: Metric,
        folder: Path,
        past: Sequence[PastWindow] = (),
        *,
        matured: int = 0,
        guard: Guard = unguarded,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._model, self._requests, self._metric = base.name, requests, metric
        self._within_us = microseconds(metric.within_seconds)
        self._folder = folder
        self._store = CohortStore(folder, guard)
        self._seen = SeenUsers()
        self._windows: dict[int, PastWindow] = {}
        """The recorded windows whose requests may still count."""
        self._cohorts: dict[int, Cohort] = {}
        """Those of the windows whose outcomes are open."""
        self._counted: dict[int, Arrived] = {}
        self._load(past, matured)
        since = min((window.start for window in self._windows.values()), default=0.0)
        self._feedback = FeedbackFollower(base, since=since, now=now)
        self._said = MetricRecords(metric)

    def horizon(self) -> float:
        return self._requests.horizon()

    def feedback_horizon(self) -> float:
        for row in self._feedback.read():
            self._said.add(row)
        return self._feedback.horizon

    def complete(self, start: float, end: float) -> bool:
        return self._requests.complete(start, end)

    def arrivals(self, number: int, start: float, end: float) -> WindowArrivals:
        requests = UserRequests.of(self._requests.drawn(self._model, start, end))
        arrived = arrivals(requests, self._seen)
        gap = not self.complete(start, end)
        open_cohorts = merged([*self._cohorts.values(), *([] if gap else [_cohort(arrived)])])
        self._store.write_requests(number, open_cohorts.kept(requests, self._within_us))
        self._store.append(number, (start, end), arrived)
        self._counted = {number: arrived}
        return WindowArrivals(arrived.counts, arrived.unassigned, gap)

    def recorded(self, window: PastWindow) -> None:
        arrived = self._counted.pop(window.number, None)
        self._windows[window.number] = window
        if arrived is not None:
            self._seen.add(arrived.users, arrived.arms, arrived.failed)
            if not window.void:
                self._cohorts[window.number] = _cohort(arrived)
        self._requests.forget(window.end)

    def outcomes(self, number: int) -> WindowOutcomes:
        cohort = self._cohorts.get(number)
        if cohort is None:
            return WindowOutcomes()
        last_us = microseconds(self._windows[number].end) + self._within_us
        parts = [
            self._own(cohort, self._store.requests(window.number))
            for window in self._windows.values()
            if window.number >= number and microseconds(window.start) <= last_us
        ]
        kept = np.concatenate([np.empty(0, KEPT), *parts])
        said = self._said.of(np.ascontiguousarray(kept["request"]))
        arms, ignored = outcomes(self._metric.kind, cohort, kept, said, self._within_us)
        return WindowOutcomes(arms, ignored)

    def matured(self, number: int) -> None:
        for gone in [one for one in self._windows if one <= number]:
            del self._windows[gone]
            self._cohorts.pop(gone, None)
        self._store.forget_requests(number + 1)
        if self._windows:
            self._said.forget(min(window.start for window in self._windows.values()))

    def _own(self, cohort: Cohort, kept: Kept) -> Kept:
        return kept[cohort.find(np.ascontiguousarray(kept["user"]))[1]]

    def _load(self, past: Sequence[PastWindow], matured: int) -> None:
        by_number = {window.number: window for window in past}
        self._windows = {number: window for number, window in sorted(by_number.items()) if number > matured}
        for block in self._store.blocks({number: window.span for number, window in by_number.items()}):
            self._seen.add(block.users, block.arms, block.failed)
            if block.number in self._windows and not self._windows[block.number].void:
                self._cohorts[block.number] = Cohort(block.users, block.arms, self._first_starts(block))

    def _first_starts(self, block: Block) -> Times:
        """When each of a window's new users came first: that request is among those that were kept."""
        kept = self._store.requests(block.number)
        users, first = np.unique(kept["user"], return_index=True)
        if not np.isin(block.users, users).all():
            raise CorruptState(str(self._folder), f"requests of users who came in window {block.number} are missing")
        return np.asarray(kept["start_us"][first][np.searchsorted(users, block.users)], np.int64)


def _cohort(arrived: Arrived) -> Cohort:
    return Cohort(arrived.users, arrived.arms, arrived.first_us)
