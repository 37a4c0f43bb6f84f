"""Means of e-values, taken on logarithms.

The mean of e-values is an e-value under any dependence between them (Vovk and Wang 2021), so it
may mix effect sizes, starting points, quantiles and metrics that share the same requests.

Sums run one component after the other, so that an element's result has the same bits whatever the batch it is in.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LARGEST = 700.0
"""Logarithm from which on an e-value is shown as `exp(700)`, so that it stays a finite number."""


def log_weighted_mean(logs: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """`log` of the weighted mean of `exp(logs)` over the last axis: `(..., M)` to `(...)`.

    `weights`, `(M,)` or `(..., M)`, are at least 0 and are divided by their sum. What has weight 0 does not
    count at all, be it infinite. A logarithm of -inf is an e-value of 0.
    """
    values = np.moveaxis(np.asarray(logs, dtype=np.float64), -1, 0)
    shares = np.moveaxis(np.broadcast_to(np.asarray(weights, dtype=np.float64), np.shape(logs)), -1, 0)
    values = np.where(shares > 0, values, -np.inf)
    peak = values.max(axis=0)
    level = np.where(np.isneginf(peak), 0.0, peak)
    terms = shares * np.exp(values - level)
    total, whole = np.zeros(peak.shape), np.zeros(peak.shape)
    for term, share in zip(terms, shares, strict=True):
        total = total + term
        whole = whole + share
    with np.errstate(divide="ignore"):
        return level + np.log(total / whole)


def e_value(log: float) -> float:
    """The e-value of a logarithm, finite whatever the evidence."""
    return float(np.exp(min(log, LARGEST)))


def log_mean(logs: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """`log_weighted_mean` of a few numbers; equal weights unless given."""
    return float(log_weighted_mean(logs, weights if weights is not None else [1.0] * len(logs)))
