"""Fisher's noncentral hypergeometric distribution: how bad events fall on two tracks, given their number.

Given `k` bad events among `n_c` canary and `n_b` stable requests, and odds ratio `psi`, the canary has
`x` of them with probability `C(n_c, x) C(n_b, k - x) psi^x / Z(psi)`. Whatever made `k` large
or small (an incident, the time of day) drops out; so does the split, which `n_c` and `n_b` carry.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.table import Table

Logs = npt.NDArray[np.float64]


def log_likelihood_ratios(table: Table, odds_ratios: Sequence[float], reference: float) -> Logs:
    """`log(P_psi(x | k) / P_reference(x | k))` for each of the odds ratios (all positive).

    The distribution has a monotone likelihood ratio in `psi`. So for `psi > reference` the ratio has
    a mean of at most 1 under every odds ratio up to the reference, and for `psi < reference` under
    every one from the reference up: the one-sided e-values that all tests here are made of.

    Exactly 0 where the table can say nothing (no bad event, only bad events, or one track empty).
    The cost is that of `min(n_c, k)` terms; weights are summed relative to that of the observed
    count, so that they neither overflow nor lose digits far away from it.
    """
    k, x, n_c, n_b = table.bad, table.canary_bad, table.canary, table.stable
    low, high = max(0, k - n_b), min(n_c, k)
    if low == high:
        return np.zeros(len(odds_ratios))
    offsets = np.arange(low, high + 1, dtype=np.float64) - x
    log_weights = _log_weights(k, n_c, n_b, low, x, high)
    log_odds = np.log(np.asarray([*odds_ratios, reference], dtype=np.float64))
    exponents = log_weights + np.multiply.outer(log_odds, offsets)
    peaks = exponents.max(axis=1)
    log_normalisers = peaks + np.log(np.exp(exponents - peaks[:, None]).sum(axis=1))
    return log_normalisers[-1] - log_normalisers[:-1]


def hypergeometric(bad: int, requests: int, drawn: int) -> tuple[Logs, Logs]:
    """How many bad events a random draw has: the possible counts and their probabilities.

    `drawn` of `requests` requests are drawn without replacement, `bad` of which are bad.
    """
    low, high = max(0, drawn + bad - requests), min(drawn, bad)
    mode = min(high, max(low, (drawn + 1) * (bad + 1) // (requests + 2)))
    weights = np.exp(_log_weights(bad, drawn, requests - drawn, low, mode, high))
    return np.arange(low, high + 1, dtype=np.float64), weights / weights.sum()


def _log_weights(k: int, n_c: int, n_b: int, low: int, anchor: int, high: int) -> Logs:
    """`log(w_j / w_anchor)` for `j = low..high` and `w_j = C(n_c, j) C(n_b, k - j)`.

    Sums of the logarithms of neighbours' ratios, outward from the anchor."""
    j = np.arange(low, high, dtype=np.float64)
    steps = np.log(n_c - j) + np.log(k - j) - np.log(j + 1) - np.log(n_b - k + j + 1)
    below = -np.cumsum(steps[: anchor - low][::-1])[::-1]
    above = np.cumsum(steps[anchor - low :])
    return np.concatenate([below, [0.0], above])
