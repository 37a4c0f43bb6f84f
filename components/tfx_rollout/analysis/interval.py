"""Numbers for a report, beside the decision: how large the difference may be, and how much longer it takes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.combine import log_weighted_mean
from tfx_rollout.analysis.fisher import log_ratios_of_multiples
from tfx_rollout.analysis.table import Table

INTERVAL_EFFECTS = np.array([1 / 5, 1 / 2, 1 / 1.5, 1 / 1.25, 1 / 1.1, 1.1, 1.25, 1.5, 2.0, 5.0])
"""Multiples of an odds ratio that the interval bets on to reject it."""

WIDEST = 1e6
"""Odds ratios beyond this, or below its inverse, are given as inf or 0."""


def odds_ratio_interval(table: Table, alpha: float = 0.05) -> tuple[float, float]:
    """The odds ratios (canary to stable) that summed counts leave standing, at level `1 - alpha`: `(low, high)`.

    All `psi` for which the mean over `INTERVAL_EFFECTS` of `P_(effect psi) / P_psi` stays below `1/alpha`, given the number of
    bad events (an e-value against each `psi`). It covers the true odds ratio with a probability of at
    least `1 - alpha` for a table that was fixed in advance, whose requests had one odds ratio and one rate throughout.

    A summary, *not* the decision: summed over stages with different splits and rates, the counts may mislead (Simpson's
    paradox), and a look after every window is not covered. The e-processes, window by window, have neither
    fault. `(0, inf)` where the table can say nothing.
    """
    seen = ((table.canary_bad + 0.5) * (table.stable - table.stable_bad + 0.5)) / (
        (table.canary - table.canary_bad + 0.5) * (table.stable_bad + 0.5)
    )
    low, high = (_first_rejected(table, alpha, math.log(seen), sign * math.log(WIDEST)) for sign in (-1, 1))
    return (0.0 if low is None else math.exp(low)), (math.inf if high is None else math.exp(high))


def _first_rejected(table: Table, alpha: float, inside: float, outside: float) -> float | None:
    """The logarithm of the odds ratio where rejection begins on the way from inside to outside; None where even the latter
    stands."""
    if not _rejected(table, alpha, np.array([outside]))[0]:
        return None
    for _ in range(6):  # an eighth each: to 0.01 % of the odds ratio at last
        way = np.linspace(inside, outside, 9)
        first = max(1, int(np.argmax(_rejected(table, alpha, way))))
        inside, outside = float(way[first - 1]), float(way[first])
    return outside


def _rejected(table: Table, alpha: float, log_odds: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    tables = np.broadcast_to(table.to_array(), (log_odds.size, 4))
    logs = log_ratios_of_multiples(tables, INTERVAL_EFFECTS, np.exp(log_odds))
    return log_weighted_mean(logs, np.ones(len(INTERVAL_EFFECTS))) >= math.log(1 / alpha)


def windows_to_go(log_e: float, needed_log: float, windows: int) -> float | None:
    """How many more windows it takes until the evidence reaches `needed_log`, at its mean growth over `windows` so far.

    0 when it is there already, None when it does not grow.
    """
    if log_e >= needed_log:
        return 0.0
    if windows <= 0 or log_e <= 0:
        return None
    return (needed_log - log_e) * windows / log_e
