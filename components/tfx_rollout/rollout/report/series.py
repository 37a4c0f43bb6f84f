"""What changed from window to window, as columns for charts, at most `MOST_POINTS` long."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfx_rollout.evidence import LabelCounts, Window
from tfx_rollout.rollout.report.tracks import QUANTILES, added_up, quantiles_ms
from tfx_rollout.traffic import Track

if TYPE_CHECKING:
    from tfx_rollout.rollout.judge import Verdict

MOST_POINTS = 2000
"""Where there are more windows, neighbours are put together: their counts added up, the evidence as it was after the last."""

Column = list[float | None]


def window_series(
    windows: Sequence[Window], verdicts: Mapping[int, Verdict], metrics: Iterable[str], tracks: Sequence[Track]
) -> dict[str, Any]:
    """Columns of equal length, one entry a point, of `windows_per_point` windows each (the last one of what remains).

    `window` is the number of the point's last window, `start` and `end` seconds since the epoch. `share_set` is
    the share that the canary was to get, `share_served` what it got of the requests. Per track `requests`, `failures`
    and quantiles; `e_value` and per metric its e-value, both after the point's last window. `labels` has what labels
    fell due (predictions of the candidate and of stable, how many were wrong), None where none ever did. Figures are
    rounded to six digits; None is where there is nothing to tell. `windows` must not have void ones.
    """
    size = max(1, math.ceil(len(windows) / MOST_POINTS))
    points = [windows[i : i + size] for i in range(0, len(windows), size)]
    last = [verdicts.get(point[-1].number) for point in points]
    return {
        "windows": len(windows),
        "windows_per_point": size,
        "thinned": size > 1,
        "window": [point[-1].number for point in points],
        "start": [round(point[0].start, 3) for point in points],
        "end": [round(point[-1].end, 3) for point in points],
        "share_set": [point[-1].split.share(Track.CANARY) for point in points],
        "share_served": [_share_served(point) for point in points],
        "tracks": {str(track): _track(points, track) for track in tracks},
        "e_value": [None if verdict is None else _short(verdict.e_value) for verdict in last],
        "metrics": {metric: [_metric(verdict, metric) for verdict in last] for metric in metrics},
        "labels": _labels(points) if any(window.labels for window in windows) else None,
    }


def _share_served(point: Sequence[Window]) -> float | None:
    canary, stable = (sum(window.counts(track).requests for window in point) for track in (Track.CANARY, Track.STABLE))
    return _short(canary / (canary + stable)) if canary + stable else None


def _track(points: Sequence[Sequence[Window]], track: Track) -> dict[str, Column]:
    totals = [added_up(window.counts(track) for window in point) for point in points]
    latencies = [quantiles_ms(counts.latency) for counts in totals]
    return {
        "requests": [counts.requests for counts in totals],
        "failures": [counts.failures for counts in totals],
        **{name: [_short(latency[name]) for latency in latencies] for name in QUANTILES},
    }


def _metric(verdict: Verdict | None, metric: str) -> float | None:
    found = None if verdict is None else verdict.metrics.get(metric)
    return None if found is None else _short(found.e_value)


def _labels(points: Sequence[Sequence[Window]]) -> dict[str, list[int]]:
    due = [[stratum for window in point for stratum in window.labels] for point in points]
    return {name: [label_total(strata, name) for strata in due] for name in LABEL_COLUMNS}


LABEL_COLUMNS = ("canary_wrong", "canary", "stable_wrong", "stable")


def label_total(strata: Iterable[LabelCounts], name: str) -> int:
    """One column of `LABEL_COLUMNS`, added up."""
    return sum(getattr(stratum, name) for stratum in strata)


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
