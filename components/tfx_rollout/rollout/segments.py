"""Cutting time into windows: none reaches over a change of the split, and none into the future. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tfx_rollout.evidence import IntervalCounts, Window
from tfx_rollout.evidence.window import ClosedBy
from tfx_rollout.rollout.state import Segment
from tfx_rollout.traffic import ObservedState


@dataclass(frozen=True)
class Interval:
    """The next stretch of a segment that can be counted: `[start, end)`, seconds since the epoch."""

    start: float
    end: float
    closed_by: ClosedBy = "time"


def end_of(segment: Segment, observed: ObservedState) -> float | None:
    """When this segment ended: another split (or other routes) came in force, or its stage was over. None while it lasts."""
    if observed.split is None or (observed.split == segment.split and observed.split_since == segment.in_force_since):
        return segment.until
    other = max(segment.since, observed.split_since)
    return other if segment.until is None else min(other, segment.until)


def begin_of_next(segment: Segment, judged_until: float) -> float:
    """Where the next window of a segment begins."""
    return max(segment.since, judged_until)


def is_over(segment: Segment, judged_until: float, until: float | None) -> bool:
    """Whether all of a segment that ended at `until` has been cut into windows."""
    return until is not None and begin_of_next(segment, judged_until) >= until


def next_interval(
    segment: Segment, judged_until: float, until: float | None, *, seconds: float, horizon: float
) -> Interval | None:
    """The next window's interval; None while its end lies past the horizon. `seconds` is the length of a whole window."""
    start = begin_of_next(segment, judged_until)
    end = start + seconds
    if until is not None and until <= end:
        return Interval(start, until, "split") if start < until <= horizon else None
    return Interval(start, end) if end <= horizon else None


def window_of(number: int, interval: Interval, segment: Segment, counts: IntervalCounts) -> Window:
    """The closed window. One that the source cannot vouch for is void."""
    closed_by = "gap" if counts.gap else interval.closed_by
    return Window(number, interval.start, interval.end, segment.split, dict(counts.tracks), closed_by, void=counts.gap)
