"""The bets of one window: what it multiplies the evidence against the canary with.

Each function gives one logarithm of a factor per effect of `EFFECTS`, as the last axis. Under its null
hypothesis each factor has a mean of at most 1, given everything before the window.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.fisher import log_likelihood_ratios
from tfx_rollout.analysis.odds import log_odds_bets
from tfx_rollout.analysis.table import Table

Floats = npt.NDArray[np.float64]

EFFECTS = np.array([1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0])
"""Odds ratios of the regressions that are bet on, as multiples of what is tolerated: shape (E,)."""


def comparison_bets(tables: npt.ArrayLike, tolerance: npt.ArrayLike) -> Floats:
    """Likelihood ratios of Fisher's noncentral hypergeometric distribution: tables `(..., 4)` to `(..., E)`.

    Null hypothesis: in every window the canary's odds of a bad event are at most `tolerance` (scalar or `(...)`) times
    those of stable, request by request. Stable's own rate may change from window to window as it likes.
    """
    edge = np.asarray(tolerance, dtype=np.float64)
    return log_likelihood_ratios(tables, edge[..., None] * EFFECTS, edge)


def limit_bets(bad: npt.ArrayLike, trials: npt.ArrayLike, limit: npt.ArrayLike) -> Floats:
    """Likelihood ratios of one track's own counts against a limit of its rate: counts `(...)` to `(..., E)`.

    Null hypothesis: each trial is bad with a probability of at most `limit` (scalar or `(...)`), given all before it.
    """
    return log_odds_bets(bad, trials, limit, EFFECTS)


def request_bets(table: Table, tolerance: float) -> list[float]:
    """`comparison_bets` of a single table."""
    return comparison_bets(table.to_array(), tolerance).tolist()


def window_bets(table: Table) -> list[float]:
    """Bets on which of two equally large samples of the window, one a track, has more bad events.

    From the track with more requests as many are drawn as the other one has. With `d` = canary's
    bad events less stable's, the factor of an effect `psi` is `2 psi^d / (psi^d + 1)`: the
    likelihood ratio given the unordered pair of counts. It is averaged over all draws, and never above 2.

    Null hypothesis: such a pair of counts may as well be swapped, or the canary's is
    (stochastically) the smaller one. The requests of a window may depend on each other in any way.
    """
    drawn = min(table.canary, table.stable)
    if table.canary > drawn:
        counts, shares = _hypergeometric(table.canary_bad, table.canary, drawn)
        differences = counts - table.stable_bad
    else:
        counts, shares = _hypergeometric(table.stable_bad, table.stable, drawn)
        differences = table.canary_bad - counts
    log_factors = np.log(2) - np.logaddexp(0, -np.multiply.outer(np.log(EFFECTS), differences))
    peaks = log_factors.max(axis=1)
    return (peaks + np.log(np.exp(log_factors - peaks[:, None]) @ shares)).tolist()


def _hypergeometric(bad: int, requests: int, drawn: int) -> tuple[Floats, Floats]:
    low, high = max(0, drawn + bad - requests), min(drawn, bad)
    mode = min(high, max(low, (drawn + 1) * (bad + 1) // (requests + 2)))
    j = np.arange(low, high, dtype=np.float64)
    steps = np.log(drawn - j) + np.log(bad - j) - np.log(j + 1) - np.log(requests - drawn - bad + j + 1)
    below = -np.cumsum(steps[: mode - low][::-1])[::-1]
    above = np.cumsum(steps[mode - low :])
    weights = np.exp(np.concatenate([below, [0.0], above]))
    return np.arange(low, high + 1, dtype=np.float64), weights / weights.sum()
