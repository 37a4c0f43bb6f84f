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
    units: int = 0
    """Independent units at risk, which the tests compare: the requests; or, where assignment is sticky, the
    users new to their track in this stage that have had no failure in it yet."""
    unit_failures: int = 0
    """Units that failed: the failures; or the users whose first failure in the stage this window has."""
    unit_latency: LatencyHistogram = LatencyHistogram()
    """Latencies that may count as independent: of one answer per stretch of `latency.spacing_ms`; or of the
    first request of each user in the stage."""
    predictions: Mapping[str, int] = field(default_factory=dict)
    """How often each prediction was made: a class, or a number rounded to three digits. Empty where nothing logs them.
    Of a batch, and of a user in a stage, the first one counts."""

    def __add__(self, other: TrackCounts) -> TrackCounts:
        return TrackCounts(
            self.requests + other.requests,
            self.failures + other.failures,
            self.unanswered + other.unanswered,
            _sum(self.codes, other.codes),
            self.latency + other.latency,
            self.units + other.units,
            self.unit_failures + other.unit_failures,
            self.unit_latency + other.unit_latency,
            _sum(self.predictions, other.predictions),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "failures": self.failures,
            "unanswered": self.unanswered,
            "codes": dict(self.codes),
            "latency": self.latency.to_json(),
            "units": self.units,
            "unit_failures": self.unit_failures,
            "unit_latency": self.unit_latency.to_json(),
            "predictions": dict(self.predictions),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TrackCounts:
        return cls(
            data["requests"],
            data["failures"],
            data["unanswered"],
            dict(data["codes"]),
            LatencyHistogram.from_json(data["latency"]),
            data["units"],
            data["unit_failures"],
            LatencyHistogram.from_json(data["unit_latency"]),
            dict(data["predictions"]),
        )


@dataclass(frozen=True)
class LabelCounts:
    """Predictions that turned out wrong, among those of one window whose labels came at one age.

    A stratum of the comparison: within it the tracks may be compared even where early labels are not
    like late ones. `window` is the number of the window in which the predictions were made, `age` the
    index of the age (`AccuracyTest.ages`); each pair is released once.
    """

    window: int
    age: int
    canary_wrong: int = 0
    canary: int = 0
    stable_wrong: int = 0
    stable: int = 0

    def to_json(self) -> list[int]:
        return [self.window, self.age, self.canary_wrong, self.canary, self.stable_wrong, self.stable]


@dataclass(frozen=True)
class MissingLabels:
    """Predictions of one window for which no label has come, when its last age is over: a check on the labels themselves."""

    window: int
    canary_missing: int = 0
    canary: int = 0
    stable_missing: int = 0
    stable: int = 0

    def to_json(self) -> list[int]:
        return [self.window, self.canary_missing, self.canary, self.stable_missing, self.stable]


@dataclass(frozen=True)
class PairCounts:
    """Requests answered by both versions, while one of them saw copies only.

    `worse`, `same`, `better`: labelled pairs in which the candidate was wrong and stable right, both alike, and the
    other way round. `disagreed` of `pairs` predictions differed, labelled or not.
    """

    worse: int = 0
    same: int = 0
    better: int = 0
    disagreed: int = 0
    pairs: int = 0

    def __add__(self, other: PairCounts) -> PairCounts:
        return PairCounts(
            self.worse + other.worse,
            self.same + other.same,
            self.better + other.better,
            self.disagreed + other.disagreed,
            self.pairs + other.pairs,
        )

    def to_json(self) -> list[int]:
        return [self.worse, self.same, self.better, self.disagreed, self.pairs]


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
    labels: tuple[LabelCounts, ...] = ()
    """Labels of earlier windows' predictions that fell due with this window."""
    missing_labels: tuple[MissingLabels, ...] = ()
    pairs: PairCounts = PairCounts()

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
            "labels": [counts.to_json() for counts in self.labels],
            "missing_labels": [counts.to_json() for counts in self.missing_labels],
            "pairs": self.pairs.to_json(),
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
            labels=tuple(LabelCounts(*counts) for counts in data["labels"]),
            missing_labels=tuple(MissingLabels(*counts) for counts in data["missing_labels"]),
            pairs=PairCounts(*data["pairs"]),
        )


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}
