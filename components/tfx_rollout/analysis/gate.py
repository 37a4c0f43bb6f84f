"""The evidence that the canary is good enough to pass a stage.

Two e-values, each against "it is bad" in one sense:

- *relative*: its odds of a bad event are at least `bad_odds_ratio` times those of stable, in every
  window. A likelihood ratio (`questions.good`), in the other direction than that against the canary. Without any bad event on
  either side it stays at 1 for ever.
- *absolute*: each of its requests, given all before, fails with a probability of at least
  `max_failure_rate`. A betting e-value that needs nothing but the canary's own counts.

`log_joint` is their mean: an e-value against "the canary is bad in *both* senses". So a canary
that fails at `max_failure_rate` or more *and* at `bad_odds_ratio` times stable's odds or more passes
a stage with a probability of at most `beta` when 1/beta is asked for, however long it waits. What
is bad in one sense only may pass: a canary that fails more seldom than the plan cares about, or one
no worse than a stable version which itself fails often. If such a one is worse than
tolerated, it is the regression evidence that stops it, at this stage or a later one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.combine import log_weighted_mean

Floats = npt.NDArray[np.float64]

GOOD_ODDS_RATIOS = np.array([0.75, 1.2])
"""Odds ratios of a good canary that the relative evidence bets on, as far as they lie below the bad one: shape (P,).

A canary like stable (odds ratio 1) lies between the two, and either bet grows at nearly the best speed there."""

GOOD_RATES = ((0.0, 0.8), (0.1, 0.1), (0.4, 0.1))
"""Failure rates of a good canary, as shares of the maximum, with the weight of the bet on each.

Most is bet on "never fails": there the absolute evidence reaches 20 with 309 requests at a maximum
of 1 %, where 299 are the fewest possible. A canary that does fail has the relative evidence besides."""

_PARTS, _STAKES = np.array(GOOD_RATES).T
_LOG_PARTS = np.log(np.where(_PARTS > 0, _PARTS, 1.0))


def log_relative(logs: npt.ArrayLike, bad_odds_ratio: npt.ArrayLike) -> Floats:
    """Logarithm of the e-value against "bad in the relative sense": sums of bets of `questions.good`, `(..., P)`, to `(...)`."""
    sums = np.asarray(logs, dtype=np.float64)
    good = np.asarray(bad_odds_ratio, dtype=np.float64)[..., None] > GOOD_ODDS_RATIOS
    return log_weighted_mean(sums, good | ~good.any(axis=-1, keepdims=True))


def log_absolute(bad: npt.ArrayLike, trials: npt.ArrayLike, max_rate: npt.ArrayLike) -> Floats:
    """Logarithm of the betting e-value against "each request is bad with probability `max_rate` or more": `(...)`.

    A mean over rates `q < max_rate` of `(q/max_rate)^bad ((1-q)/(1-max_rate))^(trials-bad)`: a bet on each
    request whose expectation is at most 1 under the null hypothesis. Counts are sums since the stage opened.
    """
    of_bad, good = np.asarray(bad, dtype=np.float64), np.asarray(trials, dtype=np.float64) - np.asarray(bad, dtype=np.float64)
    limit = np.asarray(max_rate, dtype=np.float64)
    growth = np.log1p(limit[..., None] * -_PARTS) - np.log1p(-limit)[..., None]
    never = np.where(of_bad > 0, -np.inf, 0.0)
    loss = np.where(_PARTS > 0, of_bad[..., None] * _LOG_PARTS, never[..., None])
    return log_weighted_mean(good[..., None] * growth + loss, _STAKES)


def log_joint(relative: npt.ArrayLike, absolute: npt.ArrayLike) -> Floats:
    """Logarithm of the e-value against "bad in both senses", from those against each: their mean."""
    return log_weighted_mean(np.stack(np.broadcast_arrays(relative, absolute), axis=-1), [0.5, 0.5])
