"""The verdicts as a person reads them: neighbours that say the same are one row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tfx_rollout.evidence import Window

if TYPE_CHECKING:
    from tfx_rollout.rollout.judge import Verdict

MOST_ROWS = 400
"""Where there are more rows, as many of the first and of the last ones are kept; the document says how many were left out."""

Stages = Sequence[Mapping[str, Any]]
"""The events by which stages came in force, in their order."""


def verdict_rows(windows: Iterable[Window], verdicts: Mapping[int, Verdict], stages: Stages) -> list[dict[str, Any]]:
    """One row for each run of verdicts with the same call in the same stage.

    `reasons` and `e_value` are those of its last window; `from_window` to `to_window` and `start` to `end` (seconds since
    the epoch) say which windows the row is about.
    """
    judged = [(window, verdicts[window.number]) for window in windows if window.number in verdicts]
    rows = []
    for (stage, call), group in groupby(judged, key=lambda pair: (stage_at(stages, pair[0].number), pair[1].call)):
        run = list(group)
        (first, _), (last, verdict) = run[0], run[-1]
        rows.append(
            {
                "stage": stage,
                "call": str(call),
                "from_window": first.number,
                "to_window": last.number,
                "windows": len(run),
                "start": first.start,
                "end": last.end,
                "e_value": verdict.e_value,
                "reasons": list(verdict.reasons),
            }
        )
    return rows


def bounded(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The rows that are kept, and how many in the middle were left out."""
    if len(rows) <= MOST_ROWS:
        return list(rows), 0
    half = MOST_ROWS // 2
    return [*rows[:half], *rows[-half:]], len(rows) - MOST_ROWS


def stage_at(stages: Stages, window: int) -> int | None:
    """The stage (from 1) that was in force last when this window was judged; None before the first."""
    return next((event["stage"] + 1 for event in reversed(stages) if event["window"] < window), None)
