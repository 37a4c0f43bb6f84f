"""The bets of one window: what it multiplies the evidence against the canary with.

Each function gives one logarithm of a factor per effect of `EFFECTS`. Under its null hypothesis each
factor has a mean of at most 1, given everything before the window.

`request_bets` takes every request for itself, `window_bets` the window as a whole. The first is the
sharper one and right for failures. Latency needs the second: requests are slow together (a stalled
server delays all that it holds), and what looks like ten slow requests is then one stall. Taken request by
request, two alike servers that stall for 50 ms every other second are told apart in one rollout of five.
"""

from __future__ import annotations

import numpy as np

from tfx_rollout.analysis.fisher import hypergeometric, log_likelihood_ratios
from tfx_rollout.analysis.table import Table

EFFECTS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Odds ratios of the regressions that are bet on, as multiples of what is tolerated."""

_LOG_EFFECTS = np.log(np.asarray(EFFECTS))


def request_bets(table: Table, tolerance: float) -> list[float]:
    """Likelihood ratios of Fisher's noncentral hypergeometric distribution, given the number of bad events.

    Null hypothesis: in every window the canary's odds of a bad event are at most `tolerance` times
    those of stable, request by request. Stable's own rate may change from window to window as it likes.
    """
    return log_likelihood_ratios(table, [tolerance * effect for effect in EFFECTS], tolerance).tolist()


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
        counts, shares = hypergeometric(table.canary_bad, table.canary, drawn)
        differences = counts - table.stable_bad
    else:
        counts, shares = hypergeometric(table.stable_bad, table.stable, drawn)
        differences = table.canary_bad - counts
    log_factors = np.log(2) - np.logaddexp(0, -np.multiply.outer(_LOG_EFFECTS, differences))
    peaks = log_factors.max(axis=1)
    return (peaks + np.log(np.exp(log_factors - peaks[:, None]) @ shares)).tolist()
