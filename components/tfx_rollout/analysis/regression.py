"""The evidence that the canary is worse than tolerated: an e-process that rolls back.

Under the null hypothesis of its bets (`questions.worse`, `bets.limit_bets`) the evidence ever reaches `1/a` with a probability
of at most `a` (Ville's inequality), however often one looks, and whatever split the past led to.

It is not valid where the tracks differ in *who* sends their requests, or when.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.combine import log_weighted_mean

Floats = npt.NDArray[np.float64]


def log_mixture(logs: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Logarithm of the e-value that mixes starts and effects: `(..., S, E)` to `(...)`.

    Each component is the sum of a test's bets from one start on: there is one start for each stage, since a
    regression may show only under the load of a later one, and must not be drowned by the good record of earlier ones.
    A component is 0 until its stage opens (its stake is kept), and is never set back: restarting one after a
    look at it would break the bound.

    `weights` are `(S, E)`; `start_weights` over the starts and equal ones over the effects unless given.
    """
    components = np.asarray(logs, dtype=np.float64)
    starts, effects = components.shape[-2:]
    stakes = np.repeat(start_weights(starts), effects) if weights is None else np.asarray(weights, dtype=np.float64).reshape(-1)
    return log_weighted_mean(components.reshape(*components.shape[:-2], -1), stakes)


def start_weights(starts: int) -> Floats:
    """What is staked on a regression that begins with each stage: `(S,)`, half of it on the first, where most of them show."""
    if starts == 1:
        return np.ones(1)
    return np.array([0.5, *[0.5 / (starts - 1)] * (starts - 1)])
