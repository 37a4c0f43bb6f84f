"""What the judge counts in a window: of one live rollout, or of the same window of many simulated ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from tfx_rollout.evidence import LatencyHistogram, Window
from tfx_rollout.rollout.judge.bins import Bins
from tfx_rollout.rollout.judge.ledger import LATENCY_BUCKETS
from tfx_rollout.traffic import FULL, Track

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class WindowBatch:
    """Windows of the same number and time, one of each run: `(R, …)` arrays of counts.

    Of two columns the first is the track of the candidate (`canary`, in a shadow stage `shadow`), the second `stable`.
    """

    number: int
    start: float
    end: float
    """Seconds since the epoch."""
    share: Floats
    """(R,) the canary's share in force, 0 to 1; 0 before the first stage and in a shadow or header stage."""
    requests: Counts
    """(R, 2) all requests."""
    failures: Counts
    """(R, 2) all that failed."""
    units: Counts
    """(R, 2) independent units, which the tests compare (`TrackCounts.units`)."""
    unit_failures: Counts
    """(R, 2) units that failed."""
    latency: Counts
    """(R, 2, B) latencies of the units by bucket of `LatencyHistogram`; B at most `LATENCY_BUCKETS`, further ones are empty."""
    predictions: Counts
    """(R, 2, K) predictions by bin; once bins are frozen K is their number, and the order is theirs."""
    labels: Counts
    """(R, L, 4) label strata that fell due: canary_wrong, canary, stable_wrong, stable. Rows of zeros say nothing."""
    missing: Counts
    """(R, N, 4) of predictions whose labels are overdue: canary_missing, canary, stable_missing, stable."""
    pairs: Counts
    """(R, 3) labelled pairs of copied requests: the candidate alone wrong, both alike, stable alone wrong."""

    @classmethod
    def of(cls, window: Window, track: Track, bins: Bins) -> WindowBatch:
        """The batch of one live window, with the candidate on this track and its predictions sorted into these bins."""
        candidate, stable = window.counts(track), window.counts(Track.STABLE)
        both = (candidate, stable)
        pairs = window.pairs
        return cls(
            number=window.number,
            start=window.start,
            end=window.end,
            share=np.array([window.split.canary / FULL]),
            requests=_ints([[counts.requests for counts in both]]),
            failures=_ints([[counts.failures for counts in both]]),
            units=_ints([[counts.units for counts in both]]),
            unit_failures=_ints([[counts.unit_failures for counts in both]]),
            latency=_dense([counts.unit_latency for counts in both]),
            predictions=_ints([[bins.counts(counts.predictions) for counts in both]]),
            labels=_tables([[s.canary_wrong, s.canary, s.stable_wrong, s.stable] for s in window.labels]),
            missing=_tables([[s.canary_missing, s.canary, s.stable_missing, s.stable] for s in window.missing_labels]),
            pairs=_ints([[pairs.worse, pairs.same, pairs.better]]),
        )

    def keep(self, rows: npt.ArrayLike) -> WindowBatch:
        """These rows alone: a mask `(R,)`, or indices."""
        chosen = np.asarray(rows)
        names = [field.name for field in fields(self) if field.name not in ("number", "start", "end")]
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


def _ints(values: Sequence[Sequence[int]] | Sequence[Sequence[Sequence[int]]]) -> Counts:
    return np.array(values, dtype=np.int64)


def _tables(tables: Sequence[Sequence[int]]) -> Counts:
    return np.array(tables, dtype=np.int64).reshape(1, -1, 4)


def _dense(latencies: Sequence[LatencyHistogram]) -> Counts:
    counts = np.zeros((1, len(latencies), LATENCY_BUCKETS), dtype=np.int64)
    for i, latency in enumerate(latencies):
        for bucket, times in latency.counts.items():
            counts[0, i, min(bucket, LATENCY_BUCKETS - 1)] += times
    return counts
