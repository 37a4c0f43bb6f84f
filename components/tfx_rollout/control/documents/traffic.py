"""Metrics of the traffic in a span of time."""

from __future__ import annotations

from tfx_rollout.control.documents.form import Document


class TrafficTotals(Document):
    """All requests of one track and version in the span, whatever became of them."""

    requests: int
    failures: int
    codes: dict[str, int]
    """Failures and successes by the name of their gRPC status."""
    error_rate: float | None
    requests_per_second: float
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    labelled: int
    correct: int
    accuracy: float | None
    """None where no label came."""


class TrafficPoint(Document):
    """The same figures for one step of the series, which begins at `start` (seconds since the epoch)."""

    start: float
    requests: int
    failures: int
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None


class TrafficSeries(Document):
    """One track and version. `version` None: it is not known which one should have answered, or all of a track."""

    track: str
    version: int | None
    totals: TrafficTotals
    points: list[TrafficPoint]


class Traffic(Document):
    """The metrics of one model from `since` to `until` in steps of `step` seconds."""

    model: str
    since: float
    until: float
    step: float
    complete_from: float
    """Before this nothing is known any more (seconds since the epoch)."""
    counted_until: float
    """Up to when the requests were counted; 0 before the first one."""
    totals: TrafficTotals
    """All tracks together, copies for a shadow excepted."""
    tracks: list[TrafficSeries]
    """One for each track that had a request, over all its versions (`version` is null)."""
    series: list[TrafficSeries]
    """One for each track and version that had a request."""
