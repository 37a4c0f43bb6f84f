"""The ledger: all evidence of many A/B tests of one plan, or of one, as arrays with a row a test."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import EFFECTS, SPLIT_EFFECTS
from tfx_rollout.analysis.effect_mean import DIFFERENCES, NO_DIFFERENCE, RATES
from tfx_rollout.analysis.effect_odds import LOG_ODDS
from tfx_rollout.experiment.judge.verdict import ArmState
from tfx_rollout.experiment.plan import ExperimentPlan

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

STATES = (ArmState.OPEN, ArmState.BETTER, ArmState.WORSE, ArmState.HARMFUL)
"""The states of a variant, by their codes in `Ledger.state`."""
OPEN, BETTER, WORSE, HARMFUL = range(4)


@dataclass(frozen=True)
class ExperimentLedger:
    """R tests with V variants each. Arms are the live version first, then the variants in the plan's order: A = V + 1."""

    state: Counts
    """What is known of each variant, by its place in `STATES`: (R, V)."""
    window: Counts
    """Number of the last window whose arrivals were judged: (R,). So for `matured` and outcomes."""
    matured: Counts
    logs: Floats
    """Sums of the metric's bets: (R, V, 81) for odds, (R, V, G, 2, 7) for numbers, the first hypothesis being no difference."""
    harm: Floats
    """Sums of the bets that a variant fails more often: (R, V, E)."""
    split: Floats
    """Sums of the bets that users are not assigned as they should be: (R, V, S)."""
    coverage: Floats
    """Sums of the bets that feedback is missing more often on an arm, and less often: (R, V, 2, E)."""
    users: Counts
    """Users that came, by arm: (R, A). So for the following."""
    requests: Counts
    failures: Counts
    failed: Counts
    """Users with a failed request."""
    due: Counts
    """Users whose feedback has had its time."""
    outcomes: Counts
    positives: Counts
    sums: Floats
    """Sums of the numbers."""
    expected: Floats
    """Users that should have come by the split: (R, A)."""

    @property
    def runs(self) -> int:
        return int(self.state.shape[0])

    def change(self, **changes: Any) -> ExperimentLedger:
        return replace(self, **changes)


def begin_many(plan: ExperimentPlan, runs: int, *, interval: bool = True) -> ExperimentLedger:
    """The ledger before anything was seen. Without `interval` that of numbers is left out, which simulations need not."""
    variants, arms = len(plan.variants), len(plan.variants) + 1
    hypotheses = len(hypotheses_of(interval))
    logs = (hypotheses, 2, len(RATES)) if plan.metric.kind == "number" else (len(LOG_ODDS),)
    shapes: dict[str, tuple[int, ...]] = {
        "state": (variants,),
        "window": (),
        "matured": (),
        "logs": (variants, *logs),
        "harm": (variants, len(EFFECTS)),
        "split": (variants, len(SPLIT_EFFECTS)),
        "coverage": (variants, 2, len(EFFECTS)),
    }
    made: dict[str, Any] = {
        field.name: np.zeros((runs, *shapes.get(field.name, (arms,))), dtype=np.float64 if field.name in FLOATS else np.int64)
        for field in fields(ExperimentLedger)
    }
    return ExperimentLedger(**made)


def hypotheses_of(interval: bool) -> Floats:
    """The scaled differences of means that a ledger of numbers holds bets against."""
    return np.concatenate([NO_DIFFERENCE, DIFFERENCES]) if interval else NO_DIFFERENCE


FLOATS = frozenset({"logs", "harm", "split", "coverage", "sums", "expected"})
