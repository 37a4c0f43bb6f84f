"""What the windows are held against: stable's own latencies and accuracy, always taken from the past alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import FULL_BASELINE, MIN_BASELINE, QUANTILES, canary_limit_us
from tfx_rollout.evidence.histogram import bucket_of, upper_us
from tfx_rollout.rollout.judge.ledger import LATENCY_BUCKETS

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

MIN_LABELS = 100
"""Labels of stable that its share of wrong predictions is taken from, at least."""

_MOST_WRONG = 0.999
"""Share of wrong predictions up to which odds are taken: above, nothing can be told from worse any more."""


def limit_buckets(latency: Counts) -> Counts:
    """The buckets that hold the `QUANTILES` of latencies `(R, B)`: `(R, 3)`, -1 where there are fewer than `MIN_BASELINE`."""
    below = np.cumsum(latency, axis=1)
    total = below[:, -1]
    ranks = np.maximum(1, np.ceil(np.array(QUANTILES) * total[:, None])).astype(np.int64)
    buckets = np.stack([(below < ranks[:, i, None]).sum(axis=1) for i in range(len(QUANTILES))], axis=1)
    return np.where(total[:, None] >= MIN_BASELINE, buckets, -1)


def corrected_limits(buckets: Counts, before: Counts, after: Counts) -> Counts:
    """The limits for the next window: as they are where stable had `FULL_BASELINE` answers `before` this one, else taken anew."""
    young = before.sum(axis=1) < FULL_BASELINE
    if not young.any():
        return buckets
    corrected = buckets.copy()
    corrected[young] = limit_buckets(after[young])
    return corrected


@lru_cache(maxsize=64)
def canary_buckets(ratio: float, slack_ms: float) -> Counts:
    """For each bucket that may hold stable's limit the one that holds the canary's: `(B,)`."""
    limits = [float(canary_limit_us(upper_us(bucket), ratio, slack_ms)) for bucket in range(LATENCY_BUCKETS)]
    return np.array([min(bucket_of(limit), LATENCY_BUCKETS - 1) for limit in limits], dtype=np.int64)


def wrong_share(labels: Counts) -> Floats:
    """Stable's share of wrong predictions `(R,)` from wrong and labelled ones `(R, 2)`, nan below `MIN_LABELS`.

    Half a wrong and half a right one are added, so that it is neither 0 nor 1."""
    wrong, labelled = labels[:, 0], labels[:, 1]
    return np.where(labelled >= MIN_LABELS, (wrong + 0.5) / (labelled + 1), np.nan)


def accuracy_tolerance(share: Floats, margin: float) -> Floats:
    """The odds ratio of wrong predictions that a loss of `margin` (0 to 1) comes to, where stable has this share wrong."""
    allowed = np.minimum(share + margin, _MOST_WRONG)
    return np.maximum(1.0, allowed / (1 - allowed) / (share / (1 - share)))
