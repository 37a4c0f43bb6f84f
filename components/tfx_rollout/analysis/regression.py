"""The evidence that the canary is worse than tolerated: an e-process that rolls back.

Under the null hypothesis of its bets (`bets`) the evidence ever reaches `1/a` with a probability
of at most `a` (Ville's inequality), however often one looks, and whatever split the past led to.

It is not valid where the tracks differ in *who* sends their requests, or when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.bets import EFFECTS
from tfx_rollout.analysis.combine import log_weighted_mean
from tfx_rollout.analysis.table import Table

Floats = npt.NDArray[np.float64]


def log_mixture(logs: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Logarithm of the e-value that mixes starts and effects: `(..., S, E)` to `(...)`.

    Each component is a product of the bets of windows, kept as a logarithm. Those of a stage start at 1 (logarithm 0)
    when it opens and stay there before, so that what appears only under the load of a later stage is not
    drowned by the good record of earlier ones. `weights` are `(S, E)`; equal ones unless given.
    """
    components = np.asarray(logs, dtype=np.float64)
    shape = components.shape[-2:]
    shares = np.ones(shape) if weights is None else np.asarray(weights, dtype=np.float64)
    return log_weighted_mean(components.reshape(*components.shape[:-2], -1), shares.reshape(-1))


@dataclass(frozen=True)
class RegressionEvidence:
    """One e-process: a mean over effect sizes and over the stages at which the regression may have begun.

    Each component is a product of the bets of windows, kept as a logarithm. Those of a stage
    start at 1 when it opens, so that what appears only under the load of
    a later stage is not drowned by the good record of earlier ones. `starts` has one entry a stage,
    None until it has opened (it counts as 1). `counts` has the sums over all windows.
    """

    starts: tuple[tuple[float, ...] | None, ...]
    counts: Table = Table()

    @classmethod
    def none_yet(cls, stages: int) -> RegressionEvidence:
        """No evidence, for a plan with this many stages."""
        return cls((None,) * stages)

    def opened(self, stage: int) -> RegressionEvidence:
        """With the components of this stage begun. A second opening changes nothing: restarting
        a component after a look at it would break the bound."""
        if self.starts[stage] is not None:
            return self
        starts = list(self.starts)
        starts[stage] = (0.0,) * len(EFFECTS)
        return replace(self, starts=tuple(starts))

    def after(self, table: Table, bets: Sequence[float]) -> RegressionEvidence:
        """With one more window: its counts, and its bets (one logarithm an effect) on each begun component."""
        starts = tuple(
            None if logs is None else tuple(log + bet for log, bet in zip(logs, bets, strict=True)) for logs in self.starts
        )
        return RegressionEvidence(starts, self.counts + table)

    @property
    def log_e_value(self) -> float:
        """Logarithm of the evidence; 0 when nothing has been seen."""
        return float(log_mixture(np.array([logs or (0.0,) * len(EFFECTS) for logs in self.starts])))

    def to_json(self) -> dict[str, Any]:
        return {"starts": [None if logs is None else list(logs) for logs in self.starts], "counts": self.counts.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RegressionEvidence:
        return cls(tuple(None if logs is None else tuple(logs) for logs in data["starts"]), Table.from_json(data["counts"]))
