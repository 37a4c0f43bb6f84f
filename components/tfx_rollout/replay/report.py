"""What came back: counts, failures and latencies per track. Pure."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UNKNOWN_TRACK = "unknown"
"""Where no answer said which track it was from: the gateway refused, or none came."""
QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True)
class Answer:
    """One request and what came back.

    `at` is when it was sent, in epoch seconds. `latency_ms` runs from when it was *due*,
    so a sender or a gateway that falls behind cannot hide it. `code` is a gRPC status name
    for both protocols. `version` is the one that answered, None where the answer does not say.
    """

    at: float
    latency_ms: float
    protocol: str
    row: int
    code: str
    track: str | None = None
    version: int | None = None
    request_id: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "latency_ms": round(self.latency_ms, 3),
            "protocol": self.protocol,
            "row": self.row,
            "code": self.code,
            "track": self.track,
            "version": self.version,
            "request_id": self.request_id,
        }


@dataclass(frozen=True)
class TrackReport:
    """One track's requests, their codes, the versions that answered, and latency quantiles in milliseconds."""

    requests: int
    codes: Mapping[str, int]
    versions: Mapping[int, int]
    latency_ms: Mapping[float, float]

    @property
    def failures(self) -> int:
        """Everything but a good answer."""
        return self.requests - self.codes.get("OK", 0)

    def to_json(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "failures": self.failures,
            "codes": dict(self.codes),
            "versions": {str(version): n for version, n in self.versions.items()},
            "latency_ms": {f"p{q * 100:g}": round(value, 3) for q, value in self.latency_ms.items()},
        }


@dataclass(frozen=True)
class ReplayReport:
    """The whole replay. `skipped` were due but not sent, since too many were under way already."""

    seconds: float
    skipped: int
    worst_lag_ms: float
    """How late the sender itself was at worst: large values make its latencies doubtful."""
    tracks: Mapping[str, TrackReport]
    labels: int = 0
    """Labels given after the answers."""
    labels_left: int = 0
    """Labels that were not due yet when the replay was stopped, and were never given."""

    @property
    def requests(self) -> int:
        """Requests sent, all tracks."""
        return sum(track.requests for track in self.tracks.values())

    @property
    def failures(self) -> int:
        """Requests without a good answer, all tracks."""
        return sum(track.failures for track in self.tracks.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "seconds": round(self.seconds, 3),
            "requests": self.requests,
            "failures": self.failures,
            "skipped": self.skipped,
            "worst_lag_ms": round(self.worst_lag_ms, 3),
            "labels": self.labels,
            "labels_left": self.labels_left,
            "tracks": {name: track.to_json() for name, track in self.tracks.items()},
        }

    def lines(self) -> list[str]:
        """For people: one line on the whole, one per track."""
        rate = self.requests / self.seconds if self.seconds else 0.0
        first = f"{self.requests} requests in {self.seconds:.1f} s ({rate:.0f}/s), {self.failures} failed"
        first += f", {self.skipped} skipped" if self.skipped else ""
        first += f", {self.labels} labels given" if self.labels else ""
        lines = [first + (f", {self.labels_left} labels not due yet" if self.labels_left else "")]
        for name, track in self.tracks.items():
            quantiles = " ".join(f"p{q * 100:g} {value:.1f} ms" for q, value in track.latency_ms.items())
            text = f"  {name:8} {track.requests:7} requests {track.failures:6} failed  {quantiles}"
            if track.versions:
                text += "  versions " + ", ".join(f"{version} ({n})" for version, n in track.versions.items())
            bad = {code: n for code, n in track.codes.items() if code != "OK"}
            lines.append(text + ("  " + ", ".join(f"{code} {n}" for code, n in bad.items()) if bad else ""))
        return lines


@dataclass
class _Tally:
    codes: Counter[str] = field(default_factory=Counter)
    versions: Counter[int] = field(default_factory=Counter)
    latencies_ms: array[float] = field(default_factory=lambda: array("f"))


class ReplayTally:
    """Answers as they come, four bytes each beside the counters."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Tally] = {}
        self.skipped = 0
        self.worst_lag_ms = 0.0

    def add(self, answer: Answer) -> None:
        """Counts one answer."""
        tally = self._tracks.setdefault(answer.track or UNKNOWN_TRACK, _Tally())
        tally.codes[answer.code] += 1
        tally.latencies_ms.append(answer.latency_ms)
        if answer.version is not None:
            tally.versions[answer.version] += 1

    def report(self, seconds: float, *, labels: int = 0, labels_left: int = 0) -> ReplayReport:
        """The report after this many seconds of sending."""
        tracks = {name: _track_report(tally) for name, tally in sorted(self._tracks.items())}
        return ReplayReport(seconds, self.skipped, self.worst_lag_ms, tracks, labels, labels_left)


def quantile(ordered: array[float] | list[float], q: float) -> float:
    """The q-quantile of ordered values: the smallest that at least a share q of them does not exceed."""
    rank = max(1, -int(-q * len(ordered) // 1))
    return ordered[rank - 1]


def _track_report(tally: _Tally) -> TrackReport:
    ordered = sorted(tally.latencies_ms)
    return TrackReport(
        requests=len(ordered),
        codes=dict(tally.codes.most_common()),
        versions=dict(sorted(tally.versions.items())),
        latency_ms={q: quantile(ordered, q) for q in QUANTILES},
    )
