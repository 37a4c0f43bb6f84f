"""Closing the windows of an A/B test, and finding those whose users' outcomes can be told. Pure, but for the source that is
asked."""

from __future__ import annotations

from tfx_rollout.evidence.cohort_source import CohortSource, PastWindow
from tfx_rollout.experiment.plan import ExperimentPlan
from tfx_rollout.experiment.window import ExperimentWindow, MaturedWindow
from tfx_rollout.rollout.segments import next_interval
from tfx_rollout.rollout.state import Segment

MOST_GAP_WINDOWS = 10_000
"""So many windows that nothing is known of are put together at a time."""


def next_window(
    plan: ExperimentPlan, source: CohortSource, number: int, segment: Segment, judged_until: float, until: float | None
) -> ExperimentWindow | None:
    """The next window; None while it cannot be closed. `until` is the end of the segment, if it has ended.

    A stretch that the source cannot vouch for is one void window, however long it is.
    """
    horizon = source.horizon()
    interval = next_interval(segment, judged_until, until, seconds=plan.window_seconds, horizon=horizon)
    if interval is None:
        return None
    end = interval.end
    if not source.complete(interval.start, end):
        limit = horizon if until is None else min(until, horizon)
        for _ in range(MOST_GAP_WINDOWS):
            further = end + plan.window_seconds
            if further > limit or source.complete(end, further):
                break
            end = further
    counts = source.arrivals(number, interval.start, end)
    closed_by = "gap" if counts.gap else interval.closed_by
    return ExperimentWindow(
        number, interval.start, end, segment.split, dict(counts.arms), counts.unassigned, closed_by, void=counts.gap
    )


def next_matured(
    plan: ExperimentPlan, source: CohortSource, windows: list[ExperimentWindow], judged_until: float
) -> MaturedWindow | None:
    """The outcomes of the first of these windows, in which users came and which follow the last one whose outcomes are known.

    None while feedback about them may still come, or requests of theirs.
    """
    if not windows:
        return None
    first = windows[0]
    due = first.end + plan.metric.within_seconds
    if judged_until < due or source.feedback_horizon() < due:
        return None
    found = source.outcomes(first.number)
    return MaturedWindow(first.number, dict(found.arms), found.ignored)


def as_past(window: ExperimentWindow) -> PastWindow:
    """The window as its source has to know it."""
    return PastWindow(window.number, window.start, window.end, window.void)
