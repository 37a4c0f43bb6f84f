"""Guards: is the comparison fair at all?

They do not say that the canary is bad, but that the judge must not be believed: the gateway did not split as it was
told, or labels go missing on one track. Each is an e-process with an alpha of its own. The bets on labels are those of
`questions.uneven`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.odds import log_odds_bets

Floats = npt.NDArray[np.float64]

GUARD_ALPHA = 0.001
"""Bound on the chance that a guard ever objects to a fair comparison: a hundredth of what stops a rollout usually."""

SPLIT_EFFECTS = np.array([0.5, 0.8, 0.9, 0.97, 1.03, 1.1, 1.25, 2.0])
"""What the odds of a request to reach the canary may have been multiplied by: shape (8,)."""


def split_bets(canary: npt.ArrayLike, total: npt.ArrayLike, share: npt.ArrayLike) -> Floats:
    """Sample-ratio guard: did the canary get the share it was set to? Counts `(...)` to logarithms `(..., 8)`.

    Null hypothesis: each of `total` requests went to the canary with probability `share`, whatever went before. The
    evidence is the mean over `SPLIT_EFFECTS` of the products over windows. The idea of a sequential sample-ratio
    test is that of Lindon and Malek (2022); theirs mixes over a Dirichlet prior, which depends on all counts
    since the start and on one fixed share. A grid of likelihood ratios is a product over windows, so the share may
    change with every stage, and it is linear in the counts, hence exact however large they are.
    Exactly 0 where the share is 0 or 1: the draw then shows nothing.
    """
    p = np.asarray(share, dtype=np.float64)
    bets = log_odds_bets(canary, total, p, SPLIT_EFFECTS)
    return np.where(((p > 0) & (p < 1))[..., None], bets, 0.0)
