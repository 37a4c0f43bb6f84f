"""What "too slow" means: limits taken from stable's latencies, fixed before they are used.

Each limit turns latency into a bad event, so that counts serve for it too. That the canary may be
somewhat slower (ratio and slack) is in its own limit; the bets tolerate nothing on top of it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

QUANTILES = (0.50, 0.90, 0.99)
"""Quantiles of stable's latency that serve as limits: the first two see a shift, the last a tail."""

GATED = (0.90, 0.99)
"""Those of which each has to show that the canary is not slower before a stage passes."""

MIN_BASELINE = 200
"""Answers of stable that limits are taken from, at least."""

FULL_BASELINE = 2000
"""Answers of stable from which on limits stay as they are until the next stage. Before, every
window corrects them for those after it: a single stall can lift the 99 % quantile of a few hundred."""


def canary_limit_us(stable_limit_us: npt.ArrayLike, ratio: npt.ArrayLike, slack_ms: npt.ArrayLike) -> Floats:
    """The latency in microseconds above which a canary answer is slow, where stable's limit is the given one."""
    stable = np.asarray(stable_limit_us, dtype=np.float64)
    return np.maximum(np.asarray(ratio) * stable, stable + 1000 * np.asarray(slack_ms))


def max_slow_rate(quantile: npt.ArrayLike, bad_odds_ratio: npt.ArrayLike) -> Floats:
    """The rate of slow answers that is bad in the absolute sense: the odds that stable had at this limit when it was
    taken, times the odds ratio that is bad. Without it a canary could never show that it is not slower where neither
    track has slow answers any more (a limit that was taken in a busier time)."""
    above = 1 - np.asarray(quantile, dtype=np.float64)
    odds = np.asarray(bad_odds_ratio, dtype=np.float64) * above / (1 - above)
    return odds / (1 + odds)


def gate_odds_ratio(quantile: npt.ArrayLike, bad_odds_ratio: npt.ArrayLike, *, scarce: bool = False) -> Floats:
    """The odds ratio of slow answers that is bad at this quantile, where `bad_odds_ratio` is that of a stage.

    The latter is meant for failures, which are rare. A tenth of the answers lie beyond the 90 % quantile, so that as many
    requests show much more there: its cube root, though no less than 1.4. Beyond the 99 % quantile slow answers are about as
    rare as failures: 0.7 times that, though no less than 3, below which a stage would last only to show a sound tail.

    `scarce` where only the first answer to each user counts, so that waiting brings few more: the stage's own, and its square.
    """
    bad = np.asarray(bad_odds_ratio, dtype=np.float64)
    if scarce:
        shift, tail = bad, bad * bad
    else:
        shift, tail = np.maximum(np.cbrt(bad), 1.4), 0.7 * bad
    return np.where(np.asarray(quantile) > 0.9, np.maximum(tail, 3.0), shift)
