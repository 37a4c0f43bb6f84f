"""Counters since the start of the process, as Prometheus wants them: they never go back while it lives."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from tfx_rollout.metrics.cell import Key

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histogram's buckets in seconds; there is one more for what took longer."""
MOST_SERIES = 500
"""Of more kinds of requests the one that was counted longest ago is dropped; it begins at 0 if it comes again."""


@dataclass
class RequestCounters:
    """What was counted of one kind of request."""

    codes: dict[str, int] = field(default_factory=dict)
    durations: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    """By bucket, each on its own."""
    seconds: float = 0.0
    """The sum of all durations."""
    judged: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    """Predictions of which it became known that they were right, and wrong."""
    last: float = 0.0
    """The end of the last request."""


class TrafficCounters:
    """Counts what ended, and what became known, since `since` (epoch seconds)."""

    def __init__(self, since: float, *, most: int = MOST_SERIES) -> None:
        self.since, self._most = since, most
        self._by_key: dict[Key, RequestCounters] = {}
        self._feedback_rows: Counter[str] = Counter()

    def count(self, ended: float, key: Key, code: str, duration_us: float) -> None:
        """Counts one request."""
        if ended < self.since:
            return
        counters = self._counters(key)
        counters.codes[code] = counters.codes.get(code, 0) + 1
        seconds = duration_us / 1e6
        counters.durations[bisect_left(BOUNDS_S, seconds)] += 1
        counters.seconds += seconds
        counters.last = ended

    def judge(self, arrived: float, key: Key, correct: bool) -> None:
        """Counts that a prediction turned out right or wrong, by feedback that arrived at this time (epoch seconds)."""
        if arrived >= self.since:
            self._counters(key).judged[correct] += 1

    def feedback(self, model: str, rows: int) -> None:
        """Counts rows of feedback that arrived."""
        self._feedback_rows[model] += rows

    def snapshot(self) -> tuple[Mapping[Key, RequestCounters], Mapping[str, int]]:
        """A copy of all counters of requests, and the rows of feedback of each model."""
        return deepcopy(self._by_key), dict(self._feedback_rows)

    def _counters(self, key: Key) -> RequestCounters:
        found = self._by_key.get(key)
        if found is None:
            if len(self._by_key) >= self._most:
                del self._by_key[min(self._by_key, key=lambda one: self._by_key[one].last)]
            found = self._by_key[key] = RequestCounters()
        return found
