"""What every rule has, and the points that those by the minute look at."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from tfx_rollout.evidence.histogram import upper_us
from tfx_rollout.rollout.judge import WindowBatch

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


class Rule(Protocol):
    """A rule of rollback over many runs."""

    def observe(self, batch: WindowBatch) -> Mask:
        """The runs (R,) that it rolls back after this window."""


class Minutes:
    """Adds windows up to minutes: requests, failures (R, 2) and latencies (R, 2, B)."""

    def __init__(self) -> None:
        self._windows: list[WindowBatch] = []

    def add(self, batch: WindowBatch) -> tuple[Counts, Counts, Counts] | None:
        """The minute that ends with this window, if one does."""
        self._windows.append(batch)
        if self._windows[-1].end - self._windows[0].start < 60 - 1e-6:
            return None
        requests, failures, latency = (
            np.sum([getattr(window, name) for window in self._windows], axis=0) for name in ("requests", "failures", "latency")
        )
        self._windows = []
        return requests, failures, latency


def quantile_ms(latency: Counts, q: float) -> Floats:
    """A quantile in milliseconds of histograms (..., B); nan where they are empty."""
    below = np.cumsum(latency, axis=-1)
    total = below[..., -1]
    ranks = np.maximum(1, np.ceil(q * total))
    buckets = (below < ranks[..., None]).sum(axis=-1)
    edges = np.array([upper_us(bucket) / 1000 for bucket in range(latency.shape[-1] + 1)])
    return np.where(total > 0, edges[buckets], np.nan)
