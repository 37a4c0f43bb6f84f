"""Counts of many windows, added up by track, as the report says them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tfx_rollout.evidence import LatencyHistogram, TrackCounts, Window
from tfx_rollout.traffic import Track

QUANTILES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99}
"""Latencies that are reported, by their names in the document."""


def reported_tracks(windows: Iterable[Window]) -> tuple[Track, ...]:
    """`stable` and `canary` always, `shadow` where the candidate got copies of requests."""
    copies = any(window.counts(Track.SHADOW).requests for window in windows)
    return (Track.STABLE, Track.CANARY, *((Track.SHADOW,) if copies else ()))


def track_totals(windows: Sequence[Window], tracks: Iterable[Track]) -> dict[str, dict[str, Any]]:
    """Per track: `requests`, `failures`, `unanswered`, `codes`, `units`, `unit_failures`, `p50_ms`, `p90_ms`, `p99_ms`."""
    return {str(track): _document(added_up(window.counts(track) for window in windows)) for track in tracks}


def added_up(parts: Iterable[TrackCounts]) -> TrackCounts:
    """The sum of many counts, but for predictions. `+` would copy the histograms at every step."""
    parts = list(parts)
    codes: defaultdict[str, int] = defaultdict(int)
    latency: defaultdict[int, int] = defaultdict(int)
    for part in parts:
        for code, n in part.codes.items():
            codes[code] += n
        for bucket, n in part.latency.counts.items():
            latency[bucket] += n
    return TrackCounts(
        requests=sum(part.requests for part in parts),
        failures=sum(part.failures for part in parts),
        unanswered=sum(part.unanswered for part in parts),
        units=sum(part.units for part in parts),
        unit_failures=sum(part.unit_failures for part in parts),
        codes=codes,
        latency=LatencyHistogram(latency),
    )


def quantiles_ms(latency: LatencyHistogram) -> dict[str, float | None]:
    """Quantiles in milliseconds, to the 5 % of the histogram; None where nothing was answered."""
    found = {name: latency.quantile(q) for name, q in QUANTILES.items()}
    return {name: None if us is None else us / 1000 for name, us in found.items()}


_NUMBERS = ("requests", "failures", "unanswered", "units", "unit_failures")


def _document(counts: TrackCounts) -> dict[str, Any]:
    numbers = {name: getattr(counts, name) for name in _NUMBERS}
    return {**numbers, "codes": dict(sorted(counts.codes.items())), **quantiles_ms(counts.latency)}
