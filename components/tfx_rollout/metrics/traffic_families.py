"""The counters of traffic as Prometheus' metrics. Pure."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from tfx_rollout.metrics.cell import Key
from tfx_rollout.metrics.counters import BOUNDS_S, RequestCounters

UNKNOWN = "unknown"
"""The version of requests of which it is not known who should have answered."""

_BOUNDS = [*map(floatToGoString, BOUNDS_S), "+Inf"]


def version_text(version: int | None) -> str:
    """A version as a label's value."""
    return UNKNOWN if version is None else str(version)


def traffic_families(requests: Mapping[Key, RequestCounters], feedback_rows: Mapping[str, int]) -> Iterator[Metric]:
    """Requests, durations, labelled predictions and feedback."""
    total = CounterMetricFamily(
        "tfx_rollout_requests",
        "Requests that ended, by the gRPC status name of their answer (both protocols). "
        "Track pinned: the client named a track, version or label itself.",
        labels=["model", "track", "version", "protocol", "code"],
    )
    duration = HistogramMetricFamily(
        "tfx_rollout_request_duration_seconds",
        "From the last byte of a request to the last byte of its answer, or to when client or gateway gave up.",
        labels=["model", "track", "version", "protocol"],
    )
    judged: Counter[tuple[str, str, str, str]] = Counter()
    for key, counters in sorted(requests.items(), key=lambda item: tuple(map(str, item[0]))):
        model, track, version = key.model, str(key.track), version_text(key.version)
        labels = [model, track, version, key.protocol]
        for code, count in sorted(counters.codes.items()):
            total.add_metric([*labels, code], count)
        buckets = list(zip(_BOUNDS, map(float, itertools.accumulate(counters.durations)), strict=True))
        duration.add_metric(labels, buckets, counters.seconds)
        for correct, count in counters.judged.items():
            judged[model, track, version, str(correct).lower()] += count
    labelled = CounterMetricFamily(
        "tfx_rollout_labelled_predictions",
        "Predictions of which feedback told whether they were right.",
        labels=["model", "track", "version", "correct"],
    )
    for names, count in judged.items():
        labelled.add_metric(names, count)
    feedback = CounterMetricFamily(
        "tfx_rollout_feedback_rows", "Rows of feedback that arrived, whether or not their request is known.", labels=["model"]
    )
    for model, rows in sorted(feedback_rows.items()):
        feedback.add_metric([model], rows)
    yield from (total, duration, labelled, feedback)
