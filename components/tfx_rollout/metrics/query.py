"""The answer to "how was the traffic of this model?": totals of a span, and its course step by step. Pure.

Figures are of requests that *ended* in the span or step, drawn by the gateway (on the track they
were drawn to), copied to a shadow, or chosen by the client (`pinned`: it named a track, a version
or a label). A duration runs from the last byte of the request to the last one of the answer, or to
when client or gateway gave up, so that what hangs does not hide. Quantiles are upper edges of
buckets that are 5 % wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tfx_rollout.evidence.access_log_line import GRPC_NAMES
from tfx_rollout.metrics.cell import BUCKETS, UPPER_MS, Cell, Key
from tfx_rollout.traffic import Track


class Quantiles(NamedTuple):
    """Of durations, in milliseconds; None where there were none."""

    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True)
class Figures:
    """The traffic of some stretch of time. Durations in milliseconds; None where there was nothing to say it of."""

    requests: int = 0
    codes: Mapping[str, int] = field(default_factory=dict)
    """Requests by the name of their gRPC status, `OK` among them, for both protocols."""
    seconds: float = 0.0
    """How long the stretch was, as far as it is known."""
    quantiles: Quantiles = Quantiles(None, None, None)
    labelled: int = 0
    """Predictions of which it became known whether they were right."""
    correct: int = 0

    @property
    def failures(self) -> int:
        """Requests that got anything but a whole good answer."""
        return self.requests - self.codes.get("OK", 0)

    @property
    def error_rate(self) -> float | None:
        return self.failures / self.requests if self.requests else None

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.seconds if self.seconds > 0 else 0.0

    @property
    def accuracy(self) -> float | None:
        return self.correct / self.labelled if self.labelled else None

    def to_json(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "failures": self.failures,
            "codes": dict(self.codes),
            "error_rate": self.error_rate,
            "requests_per_second": self.requests_per_second,
            **self.quantiles._asdict(),
            "labelled": self.labelled,
            "correct": self.correct,
            "accuracy": self.accuracy,
        }


@dataclass(frozen=True)
class TrafficSeries:
    """One track and version, or a whole track: its totals over the span, and a point for each step of it.

    `version` None: it is not known which version should have answered; or all versions of the track.
    """

    track: Track
    version: int | None
    totals: Figures
    points: tuple[Figures, ...]


@dataclass(frozen=True)
class Traffic:
    """The metrics of one model from `since` to `until` in steps of `step` seconds (epoch seconds, whole steps).

    They may be somewhat wider than was asked for. Before `complete_from` nothing, or not
    everything, is known; up to `counted_until` the log was read.
    """

    model: str
    since: float
    until: float
    step: float
    complete_from: float
    counted_until: float
    totals: Figures
    tracks: tuple[TrafficSeries, ...]
    """A series for each track that had a request, over all versions."""
    series: tuple[TrafficSeries, ...]
    """A series for each track and version that had a request."""

    @property
    def starts(self) -> list[float]:
        """When each step begins (epoch seconds)."""
        return [self.since + number * self.step for number in range(round((self.until - self.since) / self.step))]


def describe(
    model: str,
    cells: Iterable[tuple[float, Key, Cell]],
    *,
    since: float,
    until: float,
    step: float,
    complete_from: float,
    counted_until: float,
) -> Traffic:
    """Puts the cells of a model (each with the start of its time) together; `since` and `until` lie on whole steps."""
    starts = [since + number * step for number in range(round((until - since) / step))]
    seconds = np.array([max(0.0, min(start + step, counted_until) - max(start, complete_from)) for start in starts])
    found: dict[tuple[Track, int | None], list[tuple[int, Cell]]] = {}
    for at, key, cell in cells:
        number = int((at - since) // step)
        if 0 <= number < len(starts):
            found.setdefault((key.track, key.version), []).append((number, cell))
    by_version = {key: _Course.of(numbered, len(starts)) for key, numbered in found.items()}
    by_track: dict[Track, _Course] = {}
    everything = _Course.empty(len(starts))
    for (track, _), course in by_version.items():
        by_track[track] = by_track[track] + course if track in by_track else course
        if track is not Track.SHADOW:
            everything = everything + course
    series = {
        key: TrafficSeries(*key, by_version[key].total(seconds), by_version[key].figures(seconds))
        for key in sorted(by_version, key=lambda key: (key[0], key[1] is None, key[1]))
    }
    # A track that had one version all the time has that one's figures.
    only = {key[0]: one for key, one in series.items() if by_track[key[0]] is by_version[key]}
    tracks = (
        replace(only[track], version=None)
        if track in only
        else TrafficSeries(track, None, by_track[track].total(seconds), by_track[track].figures(seconds))
        for track in sorted(by_track)
    )
    return Traffic(
        model=model,
        since=since,
        until=until,
        step=step,
        complete_from=complete_from,
        counted_until=counted_until,
        totals=everything.total(seconds),
        tracks=tuple(tracks),
        series=tuple(series.values()),
    )


@dataclass(frozen=True)
class _Course:
    """Counts step by step: a row each."""

    durations: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]
    """In the order of `GRPC_NAMES`."""
    labels: npt.NDArray[np.int64]
    """How many predictions are known to be right or wrong, and how many to be right."""

    @classmethod
    def empty(cls, steps: int) -> _Course:
        return cls(
            np.zeros((steps, BUCKETS), np.int64), np.zeros((steps, len(GRPC_NAMES)), np.int64), np.zeros((steps, 2), np.int64)
        )

    @classmethod
    def of(cls, cells: Sequence[tuple[int, Cell]], steps: int) -> _Course:
        """The sum of cells, each with the number of its step."""
        course = cls.empty(steps)
        for number, cell in cells:
            for code, count in cell.codes.items():
                course.codes[number, _CODES[code]] += count
            if cell.labelled:
                course.labels[number] += (cell.labelled, cell.correct)
        # All histograms at once: numpy takes as long for one of them as for many.
        rows = np.repeat([number for number, _ in cells], [len(cell.buckets) for _, cell in cells])
        buckets = np.frombuffer(b"".join(cell.buckets.tobytes() for _, cell in cells), np.dtype("H"))
        counts = np.frombuffer(b"".join(cell.counts.tobytes() for _, cell in cells), np.dtype("I"))
        flat = np.bincount(rows * BUCKETS + buckets, counts, steps * BUCKETS)
        return replace(course, durations=flat.astype(np.int64).reshape(steps, BUCKETS))

    def __add__(self, other: _Course) -> _Course:
        return _Course(self.durations + other.durations, self.codes + other.codes, self.labels + other.labels)

    def total(self, seconds: npt.NDArray[np.float64]) -> Figures:
        whole = _Course(*(rows.sum(axis=0, keepdims=True) for rows in (self.durations, self.codes, self.labels)))
        (figures,) = whole.figures(seconds.sum(keepdims=True))
        return figures

    def figures(self, seconds: npt.NDArray[np.float64]) -> tuple[Figures, ...]:
        rows = zip(self.codes.tolist(), seconds.tolist(), quantiles_ms(self.durations), self.labels.tolist(), strict=True)
        return tuple(
            Figures(sum(codes), {name: n for name, n in zip(GRPC_NAMES, codes, strict=True) if n}, length, quantiles, *labels)
            for codes, length, quantiles, labels in rows
        )


_CODES = {name: number for number, name in enumerate(GRPC_NAMES)}


def quantiles_ms(durations: npt.NDArray[np.int64]) -> list[Quantiles]:
    """p50, p90 and p99 of each row of histograms, as `LatencyHistogram.quantile` has them."""
    seen = durations.cumsum(axis=1)
    totals = seen[:, -1]

    def column(q: float) -> list[float]:
        ranks = np.maximum(1, np.ceil(q * totals))
        return [float(ms) for ms in UPPER_MS[(seen >= ranks[:, None]).argmax(axis=1)]]

    found = zip(totals, column(0.5), column(0.9), column(0.99), strict=True)
    return [Quantiles(p50, p90, p99) if total else Quantiles(None, None, None) for total, p50, p90, p99 in found]
