"""Means of e-values, taken on logarithms.

The mean of e-values is an e-value under any dependence between them (Vovk and Wang 2021), so it
may mix effect sizes, starting points, quantiles and metrics that share the same requests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

LARGEST = 700.0
"""Logarithm from which on an e-value is shown as `exp(700)`, so that it stays a finite number."""


def log_mean(logs: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """`log` of the weighted mean of `exp(logs)`; equal weights unless given, in which case they add up to 1."""
    weights = weights if weights is not None else [1 / len(logs)] * len(logs)
    terms = [(log, weight) for log, weight in zip(logs, weights, strict=True) if weight > 0]
    peak = max(log for log, _ in terms)
    return peak + math.log(math.fsum(weight * math.exp(log - peak) for log, weight in terms))


def e_value(log: float) -> float:
    """The e-value of a logarithm, finite whatever the evidence."""
    return math.exp(min(log, LARGEST))
