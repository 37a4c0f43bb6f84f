"""Metrics of the traffic as documents. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfx_rollout.control.documents import Traffic

if TYPE_CHECKING:
    from tfx_rollout.metrics import query


def traffic_document(found: query.Traffic) -> Traffic:
    """What was found, for a caller."""
    starts = found.starts
    # Checked as a whole: hundreds of points, each made as a document of its own, would take several times as long.
    return Traffic.model_validate(
        {
            "model": found.model,
            "since": found.since,
            "until": found.until,
            "step": found.step,
            "complete_from": found.complete_from,
            "counted_until": found.counted_until,
            "totals": found.totals.to_json(),
            "tracks": [_series(series, starts) for series in found.tracks],
            "series": [_series(series, starts) for series in found.series],
        }
    )


def _series(series: query.TrafficSeries, starts: Sequence[float]) -> dict[str, Any]:
    points = [_point(start, point) for start, point in zip(starts, series.points, strict=True)]
    return {"track": str(series.track), "version": series.version, "totals": series.totals.to_json(), "points": points}


def _point(start: float, figures: query.Figures) -> dict[str, Any]:
    p50, p90, p99 = figures.quantiles
    requests, failures = figures.requests, figures.failures
    return {"start": start, "requests": requests, "failures": failures, "p50_ms": p50, "p90_ms": p90, "p99_ms": p99}
