"""Means of e-values, taken on logarithms.

The mean of e-values is an e-value under any dependence between them (Vovk and Wang 2021), so it
may mix effect sizes, starting points, quantiles and metrics that share the same requests.

Sums run one component after the other, so that an element's result has the same bits whatever the batch it is in.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LARGEST = 700.0
"""Logarithm from which on an e-value is shown as `exp(700)`, so that it stays a finite number."""

CELLS = 32_768
"""Numbers worked on at a time: as many as stay in a core's cache."""

_LOWEST = -1e300
"""Stands in for -inf where e-values of 0 alone are averaged, since differences of infinities are no numbers."""

FEW_LANES = 256
"""Sums side by side up to which it is faster to go along each than from row to row; the bits are the same."""


def log_weighted_mean(logs: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """`log` of the weighted mean of `exp(logs)` over the last axis: `(..., M)` to `(...)`.

    `weights`, `(M,)` or `(..., M)`, are at least 0 and are divided by their sum, which must not be 0. What has weight 0
    does not count at all, be it infinite. A logarithm of -inf is an e-value of 0.
    """
    values, stakes = np.asarray(logs, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    shape, size = values.shape[:-1], values.shape[-1]
    flat = values.reshape(-1, size)
    each = stakes.reshape(1, size) if stakes.ndim == 1 else np.broadcast_to(stakes, values.shape).reshape(-1, size)
    means = np.empty(len(flat))
    rows = max(1, CELLS // size)
    for first in range(0, len(flat), rows):
        some = slice(first, first + rows)
        shares = each if stakes.ndim == 1 else each[some]
        means[some] = _log_mean_of_rows(np.ascontiguousarray(flat[some].T), np.ascontiguousarray(shares.T))
    return means.reshape(shape)


def _log_mean_of_rows(values: Floats, shares: Floats) -> Floats:
    """The same over the first axis: `(M, N)`, with weights `(M, N)` or `(M, 1)`, to `(N,)`."""
    if not shares.all():
        values = np.where(shares > 0, values, -np.inf)
    level = np.maximum(values.max(axis=0), _LOWEST)
    terms = np.exp(values - level)
    terms *= shares
    means = _sum_of_rows(terms) / _sum_of_rows(shares)
    with np.errstate(divide="ignore"):
        return np.asarray(level + np.log(means))


def _sum_of_rows(rows: Floats) -> Floats:
    """The sum over the first axis, one row after the other: `(M, N)` to `(N,)`."""
    if rows.shape[1] < FEW_LANES:
        return np.add.accumulate(rows, axis=0)[-1]
    total = np.zeros(rows.shape[1])
    for row in rows:
        total += row
    return total


def e_value(log: float) -> float:
    """The e-value of a logarithm, finite whatever the evidence."""
    return math.exp(min(log, LARGEST))
