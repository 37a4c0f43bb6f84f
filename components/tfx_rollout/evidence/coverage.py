"""From when to when a log is complete, judged by the times at which its lines were written. Pure."""

from __future__ import annotations

HOLE_S = 2.0
"""Neighbouring lines that are further apart than this leave a hole, in seconds: a heartbeat is due far more often."""


class Coverage:
    """The stretches of time whose requests are all known.

    A line written at t, following on others without a hole, shows that what started before
    t − `lag_s` is known. Before the first line, over a hole and over lines that are lost
    nothing is. `slack_s` is by how much lines may be out of order.

    When the clock was set back, times repeat themselves: what was logged under the repeated
    ones is given up (`heard` says so), and the new lines count.
    """

    def __init__(self, *, lag_s: float, slack_s: float) -> None:
        self._lag_s, self._slack_s = lag_s, slack_s
        self._spans: list[tuple[float, float]] = []
        """First line, and up to when all is known; the last one grows."""
        self._newest: float | None = None
        self._broken = True

    @property
    def horizon(self) -> float:
        """Up to when (epoch seconds) intervals may be closed; 0 before the first line."""
        return 0.0 if self._newest is None else max(0.0, self._newest - self._lag_s)

    def lost(self) -> None:
        """Lines are missing before the next one, or another process writes it."""
        self._broken = True

    def heard(self, written: float) -> bool:
        """Takes note of a line written at this time; True where the clock was set back by then."""
        newest = written if self._newest is None else self._newest
        set_back = written < newest - self._slack_s
        if set_back:
            self._spans = [(first, min(known, written)) for first, known in self._spans if first < written]
        if self._broken or set_back or written > newest + HOLE_S:
            self._spans.append((written, written - self._lag_s))
            self._broken = False
        first, known = self._spans[-1]
        self._spans[-1] = (first, max(known, written - self._lag_s))
        self._newest = written if set_back else max(newest, written)
        return set_back

    def covers(self, start: float, end: float) -> bool:
        """Whether every request that started in `[start, end)` is known."""
        return any(first <= start and end <= known for first, known in self._spans)

    def forget(self, before: float) -> None:
        """Drops the stretches that ended before this time."""
        self._spans = [span for span in self._spans[:-1] if span[1] >= before] + self._spans[-1:]
