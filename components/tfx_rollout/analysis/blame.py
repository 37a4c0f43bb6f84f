"""Which metrics are to blame: closed testing with weighted means of e-values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def flagged(log_e: npt.ArrayLike, weights: npt.ArrayLike, threshold: float) -> npt.NDArray[np.bool_]:
    """The metrics that the evidence holds against by themselves, as a mask `(M,)`.

    A metric is flagged when *every* set of metrics that it belongs to has a weighted mean of e-values (weights renormalised
    within the set) of at least `threshold`. By the closure principle the chance of ever flagging any metric that is no
    worse than tolerated is then at most `1/threshold`, however many of the others are bad (family-wise error).

    A set's mean reaches the threshold when the sum of `weight (e - threshold)` over it is at least 0. So the
    worst set for a metric is that with all others below the threshold, and no other set need be looked at.
    Metrics of weight 0 are never flagged.
    """
    share = np.asarray(weights, dtype=np.float64)
    ratio = np.exp(np.minimum(np.asarray(log_e, dtype=np.float64) - np.log(threshold), 700.0))
    surplus = share * (ratio - 1)
    missing = np.minimum(surplus, 0.0)
    worst = surplus + (np.cumsum(missing)[-1] - missing)
    return (share > 0) & (worst >= 0)
