"""The evidence that the canary is worse than tolerated: an e-process that rolls back.

Null hypothesis: in every window the canary's odds of a bad event are at most `tolerance` times
those of stable. Stable's own rate may change from window to window as it likes, and the split may
depend on everything seen before. Under it the evidence ever reaches `1/a` with a probability of
at most `a` (Ville's inequality), however often one looks.

It is not valid where the tracks differ in *who* sends their requests, or when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tfx_rollout.analysis.combine import log_mean
from tfx_rollout.analysis.fisher import log_likelihood_ratios
from tfx_rollout.analysis.table import Table

EFFECTS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Odds ratios, as multiples of the tolerance, that the evidence bets on."""


@dataclass(frozen=True)
class RegressionEvidence:
    """One e-process: a mean over effect sizes and over the stages at which the regression may have begun.

    Each component is a product over windows of `P_psi(x | k) / P_tolerance(x | k)`, kept as a
    logarithm. Those of a stage start at 1 when it opens, so that what appears only under the load of
    a later stage is not drowned by the good record of earlier ones. `starts` has one entry a stage,
    None until it has opened (it counts as 1).
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

    def after(self, table: Table, tolerance: float) -> RegressionEvidence:
        """With one more window, in which each begun component bets."""
        ratios = log_likelihood_ratios(table, [tolerance * effect for effect in EFFECTS], tolerance).tolist()
        starts = tuple(
            None if logs is None else tuple(log + ratio for log, ratio in zip(logs, ratios, strict=True)) for logs in self.starts
        )
        return RegressionEvidence(starts, self.counts + table)

    @property
    def log_e_value(self) -> float:
        """Logarithm of the evidence; 0 when nothing has been seen."""
        return log_mean([log for logs in self.starts for log in logs or (0.0,) * len(EFFECTS)])

    def to_json(self) -> dict[str, Any]:
        return {"starts": [None if logs is None else list(logs) for logs in self.starts], "counts": self.counts.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RegressionEvidence:
        return cls(tuple(None if logs is None else tuple(logs) for logs in data["starts"]), Table.from_json(data["counts"]))
