"""What the evidence of many A/B tests amounts to: who is better, who is worse, who does harm, and who cannot be judged.

*The metric.* Each variant has two hypotheses: "no better than the live version" and "no worse". Their e-values are adjusted
together (`analysis.closed_testing`, with the proof), so that one alpha bounds the chance of ever deciding wrongly about
any variant in either direction, at any look. With one variant the evidence either way has to reach about `2/alpha`, with V of
them
`2V/alpha`, less as soon as others have evidence too.

*Harm.* Each variant has an e-value against "it fails no more than tolerated"; the mean over V of them is at least `1/V` of any,
so that a variant is stopped at `V/harm.alpha`: the chance that any sound variant is ever stopped is at most `harm.alpha`.

*Guards.* Each has an alpha of its own (`analysis.GUARD_ALPHA`): `split`, did users come to the arms in the shares that were set;
`feedback`, is feedback missing more often on one arm, for metrics in which that is unknown. While one is raised the metric
decides nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import GUARD_ALPHA, log_weighted_mean
from tfx_rollout.analysis.closed_testing import log_adjusted
from tfx_rollout.analysis.effect_mean import log_larger, log_smaller
from tfx_rollout.analysis.effect_odds import log_higher, log_lower
from tfx_rollout.experiment.judge.ledger import BETTER, HARMFUL, OPEN, WORSE, Counts, ExperimentLedger, Floats
from tfx_rollout.experiment.plan import ExperimentPlan

GUARDS = ("split", "feedback")
"""The guards, in the order of `Findings.log_guards`."""
GUARD_THRESHOLD = 1 / GUARD_ALPHA


@dataclass(frozen=True)
class Findings:
    """The evidence of R tests, as logarithms of e-values: adjusted ones of each variant (R, V), harm (R, V), guards (R, 2)."""

    log_better: Floats
    log_worse: Floats
    log_harm: Floats
    log_guards: Floats
    withheld: npt.NDArray[np.bool_]


def findings(plan: ExperimentPlan, ledger: ExperimentLedger) -> Findings:
    """What the ledger's evidence amounts to."""
    if plan.metric.kind == "number":
        up, down = log_larger(ledger.logs[:, :, 0]), log_smaller(ledger.logs[:, :, 0])
    else:
        up, down = log_higher(ledger.logs), log_lower(ledger.logs)
    better, worse = (up, down) if plan.metric.better == "higher" else (down, up)
    adjusted = log_adjusted(np.concatenate([better, worse], axis=1))
    variants = better.shape[1]
    guards = np.stack([_mean(ledger.split), _mean(ledger.coverage)], axis=1)
    return Findings(
        adjusted[:, :variants],
        adjusted[:, variants:],
        log_weighted_mean(ledger.harm, np.ones(ledger.harm.shape[2])),
        guards,
        (guards >= math.log(GUARD_THRESHOLD)).any(axis=1),
    )


def harm_threshold(plan: ExperimentPlan) -> float:
    """The e-value from which on a variant is stopped."""
    return len(plan.variants) / plan.harm.alpha


def decided(plan: ExperimentPlan, ledger: ExperimentLedger, found: Findings) -> Counts:
    """The state of each variant in the light of this evidence: `(R, V)`. What was decided stays decided, but for harm."""
    enough = (ledger.outcomes[:, 1:] >= plan.min_units) & (ledger.outcomes[:, :1] >= plan.min_units)
    judged = enough & ~found.withheld[:, None]
    limit = math.log(1 / plan.alpha)
    state = np.full(ledger.state.shape, OPEN)
    state = np.where(judged & (found.log_worse >= limit), WORSE, state)
    state = np.where(judged & (found.log_better >= limit), BETTER, state)
    state = np.where(ledger.state == OPEN, state, ledger.state)
    harmful = (state != WORSE) & (found.log_harm >= math.log(harm_threshold(plan)))
    return np.where(harmful, HARMFUL, state)


def _mean(logs: Floats) -> Floats:
    flat = logs.reshape(len(logs), -1)
    return log_weighted_mean(flat, np.ones(flat.shape[1]))
