"""Paired comparison: both versions answered the same requests, and both answers were held against the label.

For each pair `D = correct_stable - correct_canary`, one of 1 (the canary is worse), 0, -1 (better). The e-process
`K = prod(1 + rate (D - margin))` bets that the mean of `D` exceeds the margin: whatever the rate, as long as it is chosen
from the past, each factor has a mean of at most 1 if that of `D`, given the past, is at most the margin
(Waudby-Smith and Ramdas 2023). What makes a request hard or easy for both versions drops out, which
is why some 1,400 pairs find a loss of 3 points that takes live traffic several times as many.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CAUTION = 0.9
"""The rate stays below this share of the one with which a single pair could ruin the evidence."""

PRIOR_PAIRS = (8, 88, 4)
"""Pairs (worse, same, better) that every past begins with. So the first windows are already bet on, at a rate that suits a loss
of some points, and the first few pairs do not turn it upside down."""


def paired_rate(worse: npt.ArrayLike, same: npt.ArrayLike, better: npt.ArrayLike, margin: npt.ArrayLike) -> Floats:
    """The rate to bet the next window with, from the sums of all past windows `(...)`: predictable, hence valid.

    `clip((mean - margin) / (variance + (mean - margin)^2), 0, CAUTION / (1 + margin))` of `D` over `PRIOR_PAIRS` and the past: it
    nearly maximises the growth of the evidence if things go on as they were.
    """
    up, none, down = (
        np.asarray(n, dtype=np.float64) + prior for n, prior in zip((worse, same, better), PRIOR_PAIRS, strict=True)
    )
    bound = np.asarray(margin, dtype=np.float64)
    pairs = up + none + down
    mean = (up - down) / pairs
    variance = (up + down) / pairs - mean * mean
    excess = mean - bound
    return np.clip(excess / (variance + excess * excess), 0.0, CAUTION / (1 + bound))


def paired_bet(
    worse: npt.ArrayLike, same: npt.ArrayLike, better: npt.ArrayLike, rate: npt.ArrayLike, margin: npt.ArrayLike
) -> Floats:
    """The logarithm that a window with these pairs multiplies the evidence with: `(...)`.

    `rate` is that of `paired_rate` before the window, the same for all of its pairs.
    """
    bet, bound = np.asarray(rate, dtype=np.float64), np.asarray(margin, dtype=np.float64)
    up, none, down = (np.asarray(n, dtype=np.float64) for n in (worse, same, better))
    return up * np.log1p(bet * (1 - bound)) + none * np.log1p(-bet * bound) + down * np.log1p(-bet * (1 + bound))
