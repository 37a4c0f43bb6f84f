"""Requests kept by model, track and second of their start: compact, countable, forgettable."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tfx_rollout.evidence.histogram import LatencyHistogram
from tfx_rollout.evidence.window import TrackCounts
from tfx_rollout.traffic import Track

_UNANSWERED = -1.0


@dataclass
class _Second:
    """What started within one second on one track: nine bytes a request."""

    offsets_us: array[int] = field(default_factory=lambda: array("I"))
    latencies_us: array[float] = field(default_factory=lambda: array("f"))
    codes: bytearray = field(default_factory=bytearray)


class RequestRecords:
    """Counts by start time. Memory grows with the requests that are not forgotten yet."""

    def __init__(self) -> None:
        self._seconds: dict[int, dict[tuple[str, Track], _Second]] = {}
        self._codes: list[str] = []
        self._forgotten_before = -math.inf

    @property
    def forgotten_before(self) -> float:
        """Counts of intervals that begin before this time (epoch seconds) are no longer complete."""
        return self._forgotten_before

    def add(self, model: str, track: Track, start: float, code: str, latency_us: float | None) -> None:
        """Keeps one request; `latency_us` None for an unanswered one. `code` is its gRPC status name.

        The start (epoch seconds) is kept to the microsecond.
        """
        if start < self._forgotten_before:
            return
        key, offset_us = divmod(round(start * 1e6), 1_000_000)
        second = self._seconds.setdefault(key, {}).setdefault((model, track), _Second())
        second.offsets_us.append(offset_us)
        second.latencies_us.append(_UNANSWERED if latency_us is None else latency_us)
        second.codes.append(self._code_index(code))

    def counts(self, model: str, start: float, end: float) -> dict[Track, TrackCounts]:
        """Counts per track of what started in `[start, end)`."""
        codes: dict[Track, Counter[str]] = {}
        latencies: dict[Track, list[float]] = {}
        for track, code, latency_us in self._within(model, start, end):
            codes.setdefault(track, Counter())[self._codes[code]] += 1
            latencies.setdefault(track, []).append(latency_us)
        return {track: _track_counts(codes[track], latencies[track]) for track in codes}

    def forget(self, before: float) -> None:
        """Drops what started before this time."""
        self._forgotten_before = max(self._forgotten_before, before)
        for key in [key for key in self._seconds if key + 1 <= before]:
            del self._seconds[key]

    def _within(self, model: str, start: float, end: float) -> Iterator[tuple[Track, int, float]]:
        first_us, limit_us = round(start * 1e6), round(end * 1e6)
        for key in range(first_us // 1_000_000, limit_us // 1_000_000 + 1):
            for (owner, track), second in self._seconds.get(key, {}).items():
                if owner == model:
                    for offset_us, latency_us, code in zip(second.offsets_us, second.latencies_us, second.codes, strict=True):
                        if first_us <= key * 1_000_000 + offset_us < limit_us:
                            yield track, code, latency_us

    def _code_index(self, code: str) -> int:
        if code not in self._codes:
            self._codes.append(code)
        return self._codes.index(code)


def _track_counts(codes: Counter[str], latencies_us: list[float]) -> TrackCounts:
    answered = [latency for latency in latencies_us if latency != _UNANSWERED]
    return TrackCounts(
        requests=len(latencies_us),
        failures=len(latencies_us) - codes["OK"],
        unanswered=len(latencies_us) - len(answered),
        codes=dict(codes),
        latency=LatencyHistogram.of(answered),
    )
