"""Counts in steps of time: fine ones for the last hours, coarser ones for longer; memory is bounded whatever the traffic.

    steps of     are kept for
    10 s         2 hours
    1 minute     1 day
    10 minutes   14 days

What leaves a finer level is in the coarser ones already. Each level has at most `MOST_CELLS`
cells of about 1 kB, so all of them together are at most 60 MB; beyond that its oldest steps go
before their time. Two versions on two tracks by two protocols fill 17 MB in two weeks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tfx_rollout.errors import InvalidInput
from tfx_rollout.metrics.cell import Cell, Key, Tally

MOST_CELLS = 20_000
MOST_POINTS = 1500
"""Steps that one query may have."""
AHEAD_S = 60.0
"""Steps that lie further ahead of the log's present are dropped: the clock was set back since."""


@dataclass(frozen=True)
class Resolution:
    """A width of steps, and for how long they are kept, in seconds."""

    width: int
    keep: int


@dataclass(frozen=True)
class Span:
    """Whole steps of `step` seconds from `since` to `until` (epoch seconds), and the level that they are read from."""

    since: float
    until: float
    step: float
    width: int
    kept_from: float
    """What was before that is kept by this level no more."""


RESOLUTIONS = (Resolution(10, 2 * 3600), Resolution(60, 24 * 3600), Resolution(600, 14 * 24 * 3600))
_STEPS = (10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 6 * 3600, 12 * 3600, 24 * 3600)
_POINTS = 120
"""About how many steps a query has that does not choose."""


class _Level:
    """The steps of one resolution."""

    def __init__(self, resolution: Resolution, most_cells: int) -> None:
        self.resolution, self._most_cells = resolution, most_cells
        self._steps: dict[int, dict[Key, Cell]] = {}
        self._cells = 0

    def add(self, at: float, key: Key, cell: Cell) -> None:
        step = self._steps.setdefault(int(at // self.resolution.width), {})
        if key in step:
            step[key] = step[key] + cell
        else:
            step[key] = cell
            self._cells += 1

    def prune(self, now: float) -> None:
        """Drops what is too old, or too much."""
        oldest, newest = now - self.resolution.keep, now + AHEAD_S
        width = self.resolution.width
        for number in [number for number in self._steps if not oldest < (number + 1) * width or number * width > newest]:
            self._drop(number)
        while self._cells > self._most_cells and len(self._steps) > 1:
            self._drop(min(self._steps))

    def within(self, model: str, since: float, until: float) -> Iterator[tuple[float, Key, Cell]]:
        width = self.resolution.width
        asked = range(int(since // width), math.ceil(until / width))
        # Not one after the other: who asks for all time since the epoch asks for far more steps than there are.
        for number in sorted(number for number in self._steps if number in asked):
            for key, cell in self._steps[number].items():
                if key.model == model:
                    yield float(number * width), key, cell

    def _drop(self, number: int) -> None:
        self._cells -= len(self._steps.pop(number))


class TimeSeries:
    """Requests counted by the time of their end. Not for use by several threads at once."""

    def __init__(self, resolutions: Sequence[Resolution] = RESOLUTIONS, *, most_cells: int = MOST_CELLS) -> None:
        self._levels = [_Level(resolution, most_cells) for resolution in resolutions]
        self._open: dict[Key, Tally] = {}
        self._open_step = 0

    def count(self, at: float, key: Key, code: str, duration_us: float) -> None:
        """Counts one request that ended at this time (epoch seconds)."""
        step = int(at // self._levels[0].resolution.width)
        if step != self._open_step:
            self._close()
            self._open_step = step
        tally = self._open.get(key)
        if tally is None:
            tally = self._open[key] = Tally()
        tally.add(code, duration_us)

    def add(self, at: float, key: Key, cell: Cell) -> None:
        """Adds counts to the step of this time (epoch seconds), as long as it is kept."""
        for level in self._levels:
            level.add(at, key, cell)

    def prune(self, now: float) -> None:
        """Drops what is too old at this time (epoch seconds)."""
        for level in self._levels:
            level.prune(now)

    def within(self, model: str, span: Span) -> Iterator[tuple[float, Key, Cell]]:
        """The cells of a model in a span, each with the start of its time."""
        self._close()
        (level,) = (level for level in self._levels if level.resolution.width == span.width)
        yield from level.within(model, span.since, span.until)

    def span(self, since: float, until: float, step: float | None, now: float) -> Span:
        """The whole steps that hold this time (epoch seconds).

        `step` is rounded up to what is kept of that time; None gives some hundred steps.
        Raises `InvalidInput` for what is no span, or has more than `MOST_POINTS` steps.
        """
        if not (math.isfinite(since) and math.isfinite(until) and 0 <= since < until):
            raise InvalidInput(
                f"The span from {since:.15g} to {until:.15g} is empty; since must lie before until (epoch seconds)."
            )
        if step is None:
            step = next((wide for wide in _STEPS if (until - since) / wide <= _POINTS), math.ceil((until - since) / _POINTS))
        elif not (math.isfinite(step) and step > 0):
            raise InvalidInput(f"A step of {step:g} s is not a number of seconds above 0.")
        resolution = self._resolution(since, step, now)
        whole = math.ceil(step / resolution.width) * resolution.width
        first, last = math.floor(since / whole) * whole, math.ceil(until / whole) * whole
        if (last - first) / whole > MOST_POINTS:
            enough = math.ceil((until - since) / (MOST_POINTS - 1) / resolution.width) * resolution.width
            raise InvalidInput(
                f"Steps of {whole:g} s would be {(last - first) / whole:.0f} in this span, more than {MOST_POINTS}; "
                f"give a step of {enough:g} s or more."
            )
        return Span(float(first), float(last), float(whole), resolution.width, now - resolution.keep)

    def _resolution(self, since: float, step: float, now: float) -> Resolution:
        """The coarsest one that is fine enough for the step and still has `since`, else the finest that has it."""
        known = [level.resolution for level in self._levels]
        kept = [resolution for resolution in known if since >= now - resolution.keep] or known[-1:]
        return next((resolution for resolution in reversed(kept) if step % resolution.width == 0), kept[0])

    def _close(self) -> None:
        start = self._open_step * self._levels[0].resolution.width
        for key, tally in self._open.items():
            self.add(start, key, tally.cell())
        self._open = {}
