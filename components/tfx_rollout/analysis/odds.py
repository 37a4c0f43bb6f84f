"""Bets on the odds of a bad event, against a probability that is given: one-sample likelihood ratios."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def log_odds_bets(bad: npt.ArrayLike, trials: npt.ArrayLike, rate: npt.ArrayLike, multiples: npt.ArrayLike) -> Floats:
    """Log-likelihood ratios of odds that are `multiples` `(M,)` of those of `rate`, against `rate` itself: `(..., M)`.

    With odds `m p / (1 - p)` in place of `p / (1 - p)` a bad event multiplies the likelihood by
    `m / (1 + p (m - 1))` and any other trial by `1 / (1 + p (m - 1))`, whence
    `bad log m - trials log(1 + p (m - 1))`: linear in the counts, so as exact at a billion as at one.
    For `m > 1` its mean is at most 1 wherever each trial is bad with a probability of at most `rate`
    given all before it, for `m < 1` wherever with one of at least `rate`.
    """
    of_bad, of_trials = np.asarray(bad, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    m = np.asarray(multiples, dtype=np.float64)
    per_trial = np.log1p(np.asarray(rate, dtype=np.float64)[..., None] * (m - 1))
    return of_bad[..., None] * np.log(m) - of_trials[..., None] * per_trial
