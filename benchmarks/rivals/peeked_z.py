"""Tests for a fixed sample, looked at after every window: what dashboards invite to.

Counts are pooled since the beginning, over all stages. Three one-sided tests, each at p < 0.05 / 3, once the canary has had 100
requests: failures and wrong predictions (two proportions), and the mean latency (Welch).
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from rivals.rule import Counts, Floats, Mask
from tfx_rollout.evidence.histogram import upper_us
from tfx_rollout.rollout.judge import WindowBatch

MIN_REQUESTS = 100
CRITICAL = NormalDist().inv_cdf(1 - 0.05 / 3)


class PeekedZ:
    """z-tests on pooled counts after every window."""

    def __init__(self, runs: int) -> None:
        self._failures = np.zeros((runs, 4))
        self._wrong = np.zeros((runs, 4))
        self._latency = np.zeros((runs, 2, 3))

    def observe(self, batch: WindowBatch) -> Mask:
        for track in (0, 1):
            self._failures[:, 2 * track] += batch.failures[:, track]
            self._failures[:, 2 * track + 1] += batch.requests[:, track]
        self._wrong += batch.labels.sum(axis=1)
        self._latency += _moments(batch.latency)
        enough = self._failures[:, 1] >= MIN_REQUESTS
        scores = (_two_proportions(self._failures), _two_proportions(self._wrong), _welch(self._latency))
        return enough & np.any([score > CRITICAL for score in scores], axis=0)


def _moments(latency: Counts) -> Floats:
    """Number, sum and sum of squares of the latencies in milliseconds, (R, 2, 3)."""
    middles = np.array([upper_us(bucket) / 1000 / 1.025 for bucket in range(latency.shape[-1])])
    return np.stack([latency.sum(axis=-1), latency @ middles, latency @ middles**2], axis=-1)


def _two_proportions(counts: Floats) -> Floats:
    bad, n, stable_bad, stable = counts.T
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (bad + stable_bad) / (n + stable)
        score = (bad / n - stable_bad / stable) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / stable))
    return np.nan_to_num(score, posinf=0.0, neginf=0.0)


def _welch(moments: Floats) -> Floats:
    n, total, squares = moments[..., 0], moments[..., 1], moments[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        error = (squares / n - mean**2) / n
        score = (mean[:, 0] - mean[:, 1]) / np.sqrt(error.sum(axis=1))
    return np.nan_to_num(score, posinf=0.0, neginf=0.0)
