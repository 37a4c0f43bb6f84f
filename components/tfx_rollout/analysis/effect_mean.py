"""How much larger a bounded number is on one arm than on another: evidence either way, and an interval that holds at every look.

Users come in an order. Within a window each user of the smaller arm is set against the mean of his stretch of the larger one's
(`differences`), so that what changes with time is nearly the same on both sides. Each difference D, variant less control, is
scaled to lie within -1 and 1. Against "the mean of D is at most d" one bets `1 + rate (D - d)`: whatever the rate, as long as it
cannot ruin the bet, its mean is at most 1 under that hypothesis, given the past, so that the product over pairs and windows
is an e-process; and so is the mean over several rates, which are fixed in advance (Waudby-Smith and Ramdas 2023; the mixture in
place of a rate from the past needs no first window to learn from, and does not depend on the order within a window).

- *Evidence that the variant's numbers are larger*: that mean, against d = 0. Smaller: the same for -D.
- *Interval*: all d of a grid against which neither way, each at half the alpha, the evidence reaches `2/alpha`. It contains the
  true mean difference at all looks with a probability of at least `1 - alpha`, where that is the same in every window.

The hypotheses are about means within a window. They are exact where the users of a window are independent and each arm's
are alike; a change within the window that both arms share cancels but for the difference of their users' times.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.combine import log_weighted_mean
from tfx_rollout.analysis.effect_odds import sinh_grid

Floats = npt.NDArray[np.float64]

RATES = np.array([0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 0.9])
"""What is bet, as shares of what a single pair could ruin: shape (7,). The best rate is about the mean of D by its variance;
one half or
twice as large still grows at three quarters of the best speed."""

NO_DIFFERENCE = np.zeros(1)
"""The one hypothesis that decides."""

DIFFERENCES = sinh_grid(40, 0.002, 0.98)
"""The differences (scaled) that the interval is made of: shape (81,)."""

_STAKES = np.ones(len(RATES))


def differences(variant: npt.ArrayLike, control: npt.ArrayLike, span: float) -> Floats:
    """The scaled differences of one window: values in the order in which the users came, `(n,)` and `(m,)`, to `(min(n, m),)`.

    `span` is the distance between the bounds of the values. The larger arm is cut into as many stretches, of equal lengths
    but for
    one, as the smaller has users.
    """
    mine, others = np.asarray(variant, dtype=np.float64), np.asarray(control, dtype=np.float64)
    pairs = min(mine.size, others.size)
    if not pairs:
        return np.zeros(0)
    return (_means_of_stretches(mine, pairs) - _means_of_stretches(others, pairs)) / span


def mean_bets(pairs: npt.ArrayLike, hypotheses: npt.ArrayLike, counted: npt.ArrayLike | None = None) -> Floats:
    """What a window's differences `(..., K)` add to the logarithms of the bets against hypotheses `(G,)`: `(..., G, 2, 7)`.

    First come the bets that the mean is larger, then those that it is smaller. Where `counted` `(..., K)` is false there is
    no pair.
    """
    found, nulls = np.asarray(pairs, dtype=np.float64), np.asarray(hypotheses, dtype=np.float64)
    there = np.ones(found.shape, dtype=np.bool_) if counted is None else np.asarray(counted, dtype=np.bool_)
    total = np.zeros((*found.shape[:-1], nulls.size, 2, len(RATES)))
    rates = np.stack([RATES / (1 + nulls[:, None]), -RATES / (1 - nulls[:, None])], axis=1)
    for k in range(found.shape[-1]):
        excess = found[..., k, None, None, None] - nulls[:, None, None]
        total += np.where(there[..., k, None, None, None], np.log1p(rates * excess), 0.0)
    return total


def log_larger(logs: npt.ArrayLike) -> Floats:
    """Logarithm of the e-value against "the mean difference is at most the hypothesis": sums of bets `(..., 2, 7)` to `(...)`."""
    return log_weighted_mean(np.asarray(logs, dtype=np.float64)[..., 0, :], _STAKES)


def log_smaller(logs: npt.ArrayLike) -> Floats:
    """Logarithm of the e-value against "the mean difference is at least the hypothesis"."""
    return log_weighted_mean(np.asarray(logs, dtype=np.float64)[..., 1, :], _STAKES)


def mean_interval(logs: Floats, alpha: float, span: float) -> tuple[float, float]:
    """The differences that are left at level `1 - alpha`, at every look: sums of bets `(81, 2, 7)` to `(low, high)`.

    In the metric's own unit, to the grid, rounded outward.
    """
    limit = math.log(2 / alpha)
    # What is against a small difference rejects all below it, too.
    too_small = np.flatnonzero(log_larger(logs) >= limit)
    too_large = np.flatnonzero(log_smaller(logs) >= limit)
    low = -1.0 if not too_small.size else float(DIFFERENCES[too_small[-1]])
    high = 1.0 if not too_large.size else float(DIFFERENCES[too_large[0]])
    return low * span, high * span


def _means_of_stretches(values: Floats, stretches: int) -> Floats:
    edges = np.arange(stretches + 1) * values.size // stretches
    sums = np.add.reduceat(values, edges[:-1])
    return sums / np.diff(edges)
