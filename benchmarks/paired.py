"""By how much a quantile rises from one half of a pair to the other, robustly, over many pairs. Pure.

The machine is shared: for a while everything on it is slow. So the two halves of a pair lie close together in
time, only their ratio counts, and the ratios are summed up by their Hodges-Lehmann estimate (the median of the
means of all two of them, Hodges and Lehmann 1963), which a few disturbed pairs do not move. Its confidence
interval is that of Wilcoxon's signed-rank test: it assumes that the logarithms of the ratios scatter alike on both
sides, and nothing about how far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rise:
    """By how many percent, with its 95 % confidence interval."""

    percent: float
    low: float
    high: float
    pairs: int


def rise(without: Sequence[Values], with_: Sequence[Values], q: float) -> Rise:
    """How much the q-quantile of each pair's second half lies above that of its first."""
    ratios = [
        float(np.log(np.quantile(b, q) / np.quantile(a, q))) for a, b in zip(without, with_, strict=True) if len(a) and len(b)
    ]
    return rise_of(ratios)


def rise_of(log_ratios: Sequence[float]) -> Rise:
    """The estimate from the logarithm of each pair's ratio."""
    n = len(log_ratios)
    if n == 0:
        raise ValueError("there is no pair with answers in both halves")
    values = np.asarray(log_ratios)
    means = np.sort(((values[:, None] + values[None, :]) / 2)[np.triu_indices(n)])
    # The normal approximation to the signed-rank statistic, whose values the means count off from both ends.
    spread = np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    beyond = max(0, round(len(means) / 2 - float(norm.ppf(0.975)) * spread))
    low, high = means[beyond], means[len(means) - 1 - beyond]
    return Rise(*(round(100 * float(np.expm1(x)), 2) for x in (np.median(means), low, high)), n)
