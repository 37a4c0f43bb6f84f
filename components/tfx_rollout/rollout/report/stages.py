"""What happened in each stage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfx_rollout.evidence import Window
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.report.tracks import track_totals
from tfx_rollout.rollout.state import WATCHED, Phase
from tfx_rollout.traffic import Track

if TYPE_CHECKING:
    from tfx_rollout.rollout.judge import Verdict


def stage_rows(
    plan: Plan,
    events: Sequence[Mapping[str, Any]],
    windows: Sequence[Window],
    verdicts: Mapping[int, Verdict],
    tracks: Sequence[Track],
) -> list[dict[str, Any]]:
    """One row for each stage that came in force.

    `in_force_at`, `left_at` in seconds since the epoch, `seconds` between them, `tracks` as of the whole rollout, and as
    `evidence` the verdict on the stage's last window: the one it was left with.
    """
    opened = in_force(events)
    ends = [*(event["window"] for event in opened[1:]), math.inf]
    rows = []
    for event, end in zip(opened, ends, strict=False):
        stage = plan.stages[event["stage"]]
        own = [w for w in windows if w.split == stage.split and event["window"] < w.number <= end]
        left = _left_at(event, events)
        verdict = verdicts.get(own[-1].number) if own else None
        rows.append(
            {
                "stage": event["stage"] + 1,
                "kind": stage.kind,
                "share": stage.share,
                "mirror": stage.mirror,
                "in_force_at": event["at"],
                "left_at": left,
                "seconds": None if left is None else left - event["at"],
                "windows": len(own),
                "tracks": track_totals(own, tracks),
                "evidence": None if verdict is None else verdict.to_json(),
            }
        )
    return rows


def in_force(events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The events by which stages came in force; of several about one stage the first."""
    first: dict[int, Mapping[str, Any]] = {}
    for event in events:
        if event["event"] == "stage_in_force":
            first.setdefault(event["stage"], event)
    return [first[stage] for stage in sorted(first)]


def _left_at(opened: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> float | None:
    later = (event for event in events if event["number"] > opened["number"])
    return next((event["at"] for event in later if event["stage"] != opened["stage"] or Phase(event["to"]) not in WATCHED), None)
