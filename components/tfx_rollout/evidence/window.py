"""Windows: closed, numbered intervals of counts per track, the unit of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tfx_rollout.evidence.histogram import LatencyHistogram
from tfx_rollout.traffic import Split, Track

ClosedBy = Literal["time", "split", "gap"]


@dataclass(frozen=True)
class TrackCounts:
    """What one track did to the requests that *started* in an interval.

    `failures` counts every request that did not get a good answer, `unanswered`
    included: a hanging canary must not hide. `codes` has gRPC status names
    (`"OK"`, `"INVALID_ARGUMENT"`) for both protocols, HTTP codes mapped to them.
    `latency` has the answered requests only.
    """

    requests: int = 0
    failures: int = 0
    unanswered: int = 0
    codes: Mapping[str, int] = field(default_factory=dict)
    latency: LatencyHistogram = LatencyHistogram()

    def __add__(self, other: TrackCounts) -> TrackCounts:
        codes = dict(self.codes)
        for code, n in other.codes.items():
            codes[code] = codes.get(code, 0) + n
        return TrackCounts(
            self.requests + other.requests,
            self.failures + other.failures,
            self.unanswered + other.unanswered,
            codes,
            self.latency + other.latency,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "failures": self.failures,
            "unanswered": self.unanswered,
            "codes": dict(self.codes),
            "latency": self.latency.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TrackCounts:
        return cls(
            data["requests"],
            data["failures"],
            data["unanswered"],
            dict(data["codes"]),
            LatencyHistogram.from_json(data["latency"]),
        )


@dataclass(frozen=True)
class Window:
    """One closed interval `[start, end)` (seconds since the epoch) under one split.

    Numbers grow by one within a rollout. A `void` window (the gateway restarted in
    it, say) is kept for the record and never judged.
    """

    number: int
    start: float
    end: float
    split: Split
    tracks: Mapping[Track, TrackCounts] = field(default_factory=dict)
    closed_by: ClosedBy = "time"
    void: bool = False

    def counts(self, track: Track) -> TrackCounts:
        """The counts of a track, all zero where it had no request."""
        return self.tracks.get(track, TrackCounts())

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "start": self.start,
            "end": self.end,
            "split": self.split.to_json(),
            "tracks": {str(t): c.to_json() for t, c in self.tracks.items()},
            "closed_by": self.closed_by,
            "void": self.void,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Window:
        return cls(
            number=data["number"],
            start=data["start"],
            end=data["end"],
            split=Split.from_json(data["split"]),
            tracks={Track(t): TrackCounts.from_json(c) for t, c in data["tracks"].items()},
            closed_by=data["closed_by"],
            void=data["void"],
        )
