"""The bets of one window: what it multiplies the evidence against the canary with.

Each function gives one logarithm of a factor per effect of `EFFECTS`, as the last axis. Under its null
hypothesis each factor has a mean of at most 1, given everything before the window.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.fisher import log_ratios_of_multiples
from tfx_rollout.analysis.odds import log_odds_bets

Floats = npt.NDArray[np.float64]

EFFECTS = np.array([1.25, 1.6, 3.0, 12.0])
"""Odds ratios of the regressions that are bet on, as multiples of what is tolerated: shape (E,).

Four are enough: a bet on an effect half or twice as large as the true one still grows at most of the best speed, and every
further one takes its share of the stake. Latency and accuracy need the small ones, failures the large ones."""


def comparison_bets(tables: npt.ArrayLike, tolerance: npt.ArrayLike) -> Floats:
    """Likelihood ratios of Fisher's noncentral hypergeometric distribution: tables `(..., 4)` to `(..., E)`.

    Null hypothesis: in every window the canary's odds of a bad event are at most `tolerance` (scalar or `(...)`) times
    those of stable, request by request. Stable's own rate may change from window to window as it likes.

    Events of one window must not come in bursts that hit one track by chance. Failures seldom do; slow answers always do, since a
    server that stands still delays all that it holds. So latencies are to be those of requests further apart than
    a stall lasts, then a stall counts once.
    """
    return log_ratios_of_multiples(tables, EFFECTS, tolerance)


def limit_bets(bad: npt.ArrayLike, trials: npt.ArrayLike, limit: npt.ArrayLike) -> Floats:
    """Likelihood ratios of one track's own counts against a limit of its rate: counts `(...)` to `(..., E)`.

    Null hypothesis: each trial is bad with a probability of at most `limit` (scalar or `(...)`), given all before it.
    """
    return log_odds_bets(bad, trials, limit, EFFECTS)
