"""The course of an A/B test, window by window, as columns for charts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx_rollout.experiment.journal import Moment
from tfx_rollout.experiment.judge.verdict import ExperimentVerdict
from tfx_rollout.experiment.window import ExperimentWindow
from tfx_rollout.traffic import Track

MOST_POINTS = 1000
"""Where there are more windows, neighbours are put together; of the evidence every so many-th point and the last is kept."""

_COUNTS = ("users", "requests", "failures")
_OF_VARIANTS = {
    "better": "evidence_better",
    "worse": "evidence_worse",
    "harm": "harm",
    "estimate": "estimate",
    "low": "low",
    "high": "high",
}
_OF_ARMS = ("value", "outcomes")


def window_series(windows: Sequence[ExperimentWindow], variants: Sequence[Track]) -> dict[str, Any]:
    """Who came, by window: columns of equal length."""
    size = max(1, -(-len(windows) // MOST_POINTS))
    points = [windows[i : i + size] for i in range(0, len(windows), size)]
    return {
        "number": [point[-1].number for point in points],
        "start": [point[0].start for point in points],
        "end": [point[-1].end for point in points],
        "unassigned": [sum(window.unassigned for window in point) for point in points],
        **{
            name: {
                str(track): [sum(getattr(window.arm(track), name) for window in point) for point in points]
                for track in (Track.STABLE, *variants)
            }
            for name in _COUNTS
        },
    }


def evidence_series(
    windows: Sequence[ExperimentWindow], verdicts: Mapping[Moment, ExperimentVerdict], variants: Sequence[Track]
) -> dict[str, Any]:
    """What the judge had found, after each verdict: columns of equal length. `at` is the end of the last window by then."""
    ends = {window.number: window.end for window in windows}
    moments = sorted(moment for moment in verdicts if moment[0] in ends)
    step = max(1, -(-len(moments) // MOST_POINTS))
    kept = [moment for i, moment in enumerate(moments) if (len(moments) - 1 - i) % step == 0]
    return {
        "at": [ends[window] for window, _ in kept],
        "window": [window for window, _ in kept],
        "matured": [matured for _, matured in kept],
        **{name: _column(kept, verdicts, variants, field) for name, field in _OF_VARIANTS.items()},
        **{name: _column(kept, verdicts, (Track.STABLE, *variants), name) for name in _OF_ARMS},
    }


def _column(
    moments: Sequence[Moment], verdicts: Mapping[Moment, ExperimentVerdict], tracks: Sequence[Track], field: str
) -> dict[str, list[Any]]:
    return {str(track): [getattr(verdicts[moment].arms[track], field) for moment in moments] for track in tracks}
