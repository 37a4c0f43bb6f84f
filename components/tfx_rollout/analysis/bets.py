"""What is bet against the canary: effects, and a window's bets on them where its own counts are held against a limit.

Those that compare it with stable are in `questions`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.odds import log_odds_bets

Floats = npt.NDArray[np.float64]

EFFECTS = np.array([1.25, 1.6, 3.0, 12.0])
"""Odds ratios of the regressions that are bet on, as multiples of what is tolerated: shape (E,).

Four are enough: a bet on an effect half or twice as large as the true one still grows at most of the best speed, and every
further one takes its share of the stake. Latency and accuracy need the small ones, failures the large ones."""


def limit_bets(bad: npt.ArrayLike, trials: npt.ArrayLike, limit: npt.ArrayLike) -> Floats:
    """Likelihood ratios of one track's own counts against a limit of its rate: counts `(...)` to `(..., E)`.

    One logarithm of a factor per effect of `EFFECTS`. Under the null hypothesis each factor has a mean of at most 1.

    Null hypothesis: each trial is bad with a probability of at most `limit` (scalar or `(...)`), given all before it.
    """
    return log_odds_bets(bad, trials, limit, EFFECTS)
