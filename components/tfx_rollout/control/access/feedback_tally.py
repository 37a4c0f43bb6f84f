"""How much feedback somebody gave, for the audit trail: told together, so that labels by the thousand leave room for the rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

TOGETHER_S = 60.0
MOST = 1000
"""How many givers are remembered; when there are more, all begin anew."""


@dataclass
class _Given:
    told_at: float
    calls: int = 0
    new: int = 0
    known: int = 0


class FeedbackTally:
    """Sums up what each giver gave of each model. Safe to use from several threads.

    The first time is told at once, what follows once in `TOGETHER_S`. What was not told yet when its process ends is
    told by nobody: the rows themselves are kept.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._given: dict[tuple[str, str], _Given] = {}
        self._lock = threading.Lock()

    def add(self, by: str, model: str, *, new: int, known: int) -> str | None:
        """Counts rows that were taken in; what is to be told now, if anything is."""
        now = self._monotonic()
        with self._lock:
            if len(self._given) >= MOST and (by, model) not in self._given:
                self._given.clear()
            given = self._given.setdefault((by, model), _Given(now - TOGETHER_S))
            given.calls += 1
            given.new += new
            given.known += known
            if now - given.told_at < TOGETHER_S:
                return None
            calls = "" if given.calls == 1 else f", in {given.calls} calls"
            told = f"{given.new} new, {given.known} known before{calls}"
            self._given[by, model] = _Given(now)
            return told
