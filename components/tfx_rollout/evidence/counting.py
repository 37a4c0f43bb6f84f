"""From single requests to the counts of their tracks. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tfx_rollout.evidence.histogram import LatencyHistogram
from tfx_rollout.evidence.request_records import KeptRequest
from tfx_rollout.evidence.units import UnitCounts
from tfx_rollout.evidence.window import TrackCounts
from tfx_rollout.traffic import Track

_NONE = UnitCounts(0, 0, LatencyHistogram())


def count_tracks(
    requests: Iterable[KeptRequest],
    units: Mapping[Track, UnitCounts],
    predictions: Mapping[Track, Mapping[str, int]],
) -> dict[Track, TrackCounts]:
    """The counts per track of these requests, with what was found out about their units and predictions."""
    codes: dict[Track, Counter[str]] = {}
    latencies: dict[Track, list[float]] = {}
    for request in requests:
        codes.setdefault(request.track, Counter())[request.code] += 1
        answered = latencies.setdefault(request.track, [])
        if request.latency_us is not None:
            answered.append(request.latency_us)
    found = {}
    for track, of_track in codes.items():
        total, unit = sum(of_track.values()), units.get(track, _NONE)
        found[track] = TrackCounts(
            requests=total,
            failures=total - of_track["OK"],
            unanswered=total - len(latencies[track]),
            codes=dict(of_track),
            latency=LatencyHistogram.of(latencies[track]),
            units=unit.units,
            unit_failures=unit.failures,
            unit_latency=unit.latency,
            predictions=dict(predictions.get(track, {})),
        )
    return found
