"""Many hypotheses, one bound: e-values adjusted so that any of them may be held against one and the same threshold.

*Why one alpha bounds all.* Each hypothesis has an e-process: under it the value ever reaches `1/a` with a probability of at most
`a`. A set of hypotheses that are all true has the mean of its members' e-processes as one against "all of these are true",
whatever their dependence (Vovk and Wang 2021). A hypothesis is rejected when the mean of *every* set that it belongs to
reaches `1/alpha`. Let T be the set of all true ones. To reject any of them, the mean of T itself must have reached `1/alpha`,
which by Ville's inequality ever happens with a probability of at most alpha. So alpha bounds the chance that any
true hypothesis is ever rejected, over all looks and all hypotheses together, however many of the others are false (the closure
principle of Marcus, Peritz and Gabriel 1976, kept at every look at once).

The means contain Bonferroni's rule (where one e-value is large and the M - 1 others are 0, it must reach `M/alpha`), and are more
lenient than it as soon as some of the others are large too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def log_adjusted(log_e: npt.ArrayLike) -> Floats:
    """The logarithm of the least mean over the sets that each hypothesis belongs to: `(..., M)` to `(..., M)`.

    A hypothesis is rejected when this reaches `log(1/alpha)`. The set with the least mean has, beside the hypothesis itself,
    those
    with the smallest e-values; so only as many sets as there are hypotheses need be looked at.
    """
    logs = np.asarray(log_e, dtype=np.float64)
    order = np.argsort(logs, axis=-1, kind="stable")
    ranked = np.take_along_axis(logs, order, axis=-1)
    least = ranked.copy()
    smaller = np.full(ranked.shape[:-1], -np.inf)
    for others in range(1, ranked.shape[-1]):
        smaller = np.logaddexp(smaller, ranked[..., others - 1])
        of_set = np.logaddexp(ranked[..., others:], smaller[..., None]) - np.log(others + 1)
        least[..., others:] = np.minimum(least[..., others:], of_set)
    adjusted = np.empty_like(least)
    np.put_along_axis(adjusted, order, least, axis=-1)
    return adjusted
