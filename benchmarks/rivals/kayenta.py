"""The rule of Kayenta's judge (Spinnaker) on points of a minute: Mann-Whitney with a tolerance.

Of each metric (share of failures, p99) the canary's points so far are compared with the baseline's. It is High, and the canary
fails, when the lower end of the 98 % interval of the Hodges-Lehmann shift is above a quarter of its estimate, and the
means' ratio is at least 1 (`allowedIncrease`). The interval is the one of the normal rank sum, corrected for continuity
and ties. Both metrics are critical. The first look is after five minutes; there is no other minimum.

`equal_baseline` thins stable to as many requests as the canary has, as a baseline cluster of its own would have them.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from rivals.rule import Counts, Floats, Mask, Minutes, quantile_ms
from tfx_rollout.rollout.judge import WindowBatch

CONFIDENCE = 0.98
TOLERANCE = 0.25
FIRST_LOOK = 5
_CRITICAL = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


class Kayenta:
    """Mann-Whitney on minutes."""

    def __init__(self, runs: int, *, equal_baseline: bool = False, seed: int = 0) -> None:
        self._minutes = Minutes()
        self._points = np.zeros((runs, 2, 2, 0))
        self._thinned = np.random.default_rng(seed) if equal_baseline else None

    def observe(self, batch: WindowBatch) -> Mask:
        minute = self._minutes.add(batch)
        runs = len(self._points)
        if minute is None or not batch.share.any():
            return np.zeros(runs, bool)
        requests, failures, latency = minute
        if self._thinned is not None:
            requests, failures, latency = _thinned(self._thinned, batch.share, requests, failures, latency)
        point = np.stack([failures / np.maximum(requests, 1), np.nan_to_num(quantile_ms(latency, 0.99))], axis=1)
        self._points = np.concatenate([self._points, point[..., None]], axis=-1)
        if self._points.shape[-1] < FIRST_LOOK:
            return np.zeros(runs, bool)
        return np.any([_high(self._points[:, metric, 0], self._points[:, metric, 1]) for metric in (0, 1)], axis=0)


def _thinned(
    rng: np.random.Generator, share: Floats, requests: Counts, failures: Counts, latency: Counts
) -> tuple[Counts, Counts, Counts]:
    part = np.minimum(1.0, share / (1 - share))
    good, bad = (rng.binomial(counts[:, 1], part) for counts in (requests - failures, failures))
    thin = rng.binomial(latency[:, 1], part[:, None])
    return (
        np.stack([requests[:, 0], good + bad], axis=1),
        np.stack([failures[:, 0], bad], axis=1),
        np.stack([latency[:, 0], thin], axis=1),
    )


def _high(canary: Floats, baseline: Floats) -> Mask:
    """Whether the canary's points (R, n) are High against the baseline's (R, n)."""
    runs, n = canary.shape
    differences = np.sort((canary[:, :, None] - baseline[:, None, :]).reshape(runs, -1), axis=1)
    ties = _ties(canary) + _ties(baseline)
    sigma = np.sqrt(n * n / 12 * (2 * n + 1 - ties / (2 * n * (2 * n - 1))))
    rank = np.floor(n * n / 2 - _CRITICAL * sigma - 0.5).astype(np.int64)
    low = np.where(rank >= 0, differences[np.arange(runs), np.maximum(rank, 0)], -np.inf)
    shift = np.median(differences, axis=1)
    larger = canary.mean(axis=1) >= baseline.mean(axis=1)
    return (low > TOLERANCE * np.abs(shift)) & larger & (low > -np.inf)


def _ties(points: Floats) -> Floats:
    """Sum over groups of equal points of t^3 - t, where t is the size of a group."""
    sizes = (points[:, :, None] == points[:, None, :]).sum(axis=2)
    return np.asarray((sizes**2 - 1.0).sum(axis=1))
