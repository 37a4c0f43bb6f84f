"""Follows a model's feedback as it comes, and knows up to when all of it has been seen."""

from __future__ import annotations

import time
from collections.abc import Callable

from tfx_rollout.errors import Busy
from tfx_rollout.evidence.feedback import Feedback, feedback_folder, read_feedback
from tfx_rollout.evidence.line_tail import LineTail
from tfx_rollout.model_store import BasePath


class FeedbackFollower:
    """Every row once, in the order of arrival. Rows that arrived before `since` (epoch seconds) may be left out.

    Not for use by several threads at once.
    """

    def __init__(self, base: BasePath, *, since: float = 0.0, now: Callable[[], float] = time.time) -> None:
        self._base, self._now = base, now
        self._tail = LineTail(feedback_folder(base), since=since)
        self._latest = 0.0
        self.horizon = 0.0
        """Up to when (epoch seconds) all rows are known that had arrived by then."""

    def read(self) -> list[Feedback]:
        """The rows since the last call, or the next of them; none while somebody else holds the lock of the base path."""
        try:
            with self._base.lock(timeout=0):
                # Whoever writes later stamps a later time, under this very lock.
                now = self._now()
                rows = list(read_feedback(self._tail))
        except Busy:
            return []
        self._latest = max([self._latest, *(row.at for row in rows)])
        # Stamps never go back, though the clock may.
        self.horizon = max(now, self._latest) if self._tail.caught_up else self._latest
        return rows
