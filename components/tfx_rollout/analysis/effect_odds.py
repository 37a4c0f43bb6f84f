"""How much likelier an event is on one arm than on another: evidence either way, and an interval that holds at every look.

Per window, *given* how many events it has on both arms together, those of the variant follow Fisher's noncentral
hypergeometric distribution with the odds ratio psi of variant to control (`fisher`). Whatever makes events likely or rare for
both arms drops out. What is kept is the logarithm of the likelihood at each psi of a grid, relative to psi = 1, added up over
windows.

- *Evidence that the variant's odds are higher*: the mean of the likelihood ratios over the grid above 1. By the distribution's
  monotone likelihood ratio each has a mean of at most 1 under every psi <= 1, window by window, so that it is an e-process
  against "in no window are the odds higher". Lower: the same below 1.
- *Interval*: all psi against which the mean over the whole grid of `L(psi') / L(psi)` stays below `1/alpha`. Under one
  common psi each such ratio has mean 1, so that the set contains the true psi at all looks with a probability of at least
  `1 - alpha` (a confidence sequence).

Tables are int64 `(..., 4)`: variant's events, variant's users, control's events, control's users.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.combine import log_weighted_mean
from tfx_rollout.analysis.fisher import log_ratios_of_multiples

Floats = npt.NDArray[np.float64]

_SIDE, _FINEST, _WIDEST = 40, 0.006, math.log(20)


def sinh_grid(side: int, finest: float, widest: float) -> Floats:
    """`2 side + 1` values from `-widest` to `widest`, `finest` apart around 0 and ever further apart outward."""
    low, high = 1e-9, 10.0
    for _ in range(200):  # the scale at which the first step is the finest one
        scale = (low + high) / 2
        step = scale * math.sinh(math.asinh(widest / scale) / side)
        low, high = (scale, high) if step < finest else (low, scale)
    outward = scale * np.sinh(np.arange(1, side + 1) * (math.asinh(widest / scale) / side))
    return np.concatenate([-outward[::-1], [0.0], outward])


LOG_ODDS = sinh_grid(_SIDE, _FINEST, _WIDEST)
"""Logarithms of the odds ratios that likelihoods are kept for: shape (81,), from 1/20 to 20. Each has the same stake, so that
the bets are about as dense in the logarithm of an effect as small effects are in practice."""

_ODDS = np.exp(LOG_ODDS)
_ALL = np.ones(len(LOG_ODDS))


def odds_bets(tables: npt.ArrayLike) -> Floats:
    """What a window adds to the logarithms of the likelihoods, relative to that of an odds ratio of 1: `(..., 4)` to `(...,
    81)`."""
    return log_ratios_of_multiples(tables, _ODDS, 1.0)


def log_higher(logs: npt.ArrayLike) -> Floats:
    """Logarithm of the e-value against "the variant's odds are at most the control's": sums of bets `(..., 81)` to `(...)`."""
    return log_weighted_mean(np.asarray(logs, dtype=np.float64)[..., _SIDE + 1 :], _ALL[:_SIDE])


def log_lower(logs: npt.ArrayLike) -> Floats:
    """Logarithm of the e-value against "the variant's odds are at least the control's"."""
    return log_weighted_mean(np.asarray(logs, dtype=np.float64)[..., :_SIDE], _ALL[:_SIDE])


def odds_estimate(logs: Floats) -> float:
    """The likeliest odds ratio (conditional, stratified by window), between the grid's points by a parabola.

    1 where nothing is known; the grid's end where it lies there or beyond.
    """
    if not logs.any():
        return 1.0
    best = int(np.argmax(logs))
    if best in (0, len(logs) - 1):
        return float(_ODDS[best])
    (x0, x1, x2), (y0, y1, y2) = LOG_ODDS[best - 1 : best + 2], logs[best - 1 : best + 2]
    left, right = (y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1)
    if left <= right:
        return float(_ODDS[best])
    top = (x0 + x1) / 2 + left / (left - right) * (x2 - x0) / 2
    return math.exp(min(max(top, x0), x2))


def odds_interval(logs: Floats, alpha: float) -> tuple[float, float]:
    """The odds ratios that are left at level `1 - alpha`, at every look: `(low, high)`, to the grid, rounded outward.

    0 or inf where even the grid's end is left.
    """
    against = float(log_weighted_mean(logs, _ALL)) - logs
    left = np.flatnonzero(against < math.log(1 / alpha))
    first, last = int(left[0]), int(left[-1])
    low = 0.0 if first == 0 else float(_ODDS[first - 1])
    high = math.inf if last == len(logs) - 1 else float(_ODDS[last + 1])
    return low, high
