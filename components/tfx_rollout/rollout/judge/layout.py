"""What follows from a plan alone: which tests it has, in which columns, and what its stages ask for.

    comparisons                                                             limits
    errors | latency p50, p90, p99 | predictions up ×K, down ×K | accuracy | failure_rate, p99, throughput | pairs

Metrics that the plan switches off have no columns. The last column, `pairs`, is the paired comparison of a shadow stage, one more
test of `accuracy`; it is no mixture over effects and starts, so that only its e-value has a place among the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import GATED, QUANTILES, gate_odds_ratio, max_slow_rate
from tfx_rollout.rollout.plan import Plan, Stage

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LIMITS = ("failure_rate", "p99_ms", "throughput_rps")
"""Absolute limits, by their names in the plan."""

PREDICTION_BINS = {"classes": 10, "numbers": 11}
"""Most bins of predictions: nine classes and all others; ten ranges of numbers and what is no number."""

EVIDENCE_GATES = ("errors", *(f"latency p{100 * quantile:g}" for quantile in GATED), "accuracy")
"""The gates of evidence, in the order of their columns."""

GATES = ("time", "windows", "requests", "suspicion", *EVIDENCE_GATES)
"""All gates, in the order of their columns: floors, no suspicion, and those of evidence."""


@dataclass(frozen=True)
class Layout:
    """The columns of a plan's tests. Axes: `M` metrics, `T` tests, `S` stages, `G` gates of evidence."""

    plan: Plan
    metrics: tuple[str, ...]
    """The metrics that count, in the order of `METRICS`."""
    weights: Floats
    """(M,) their weights, which add up to 1."""
    log_weights: Floats
    columns: dict[str, slice]
    """The columns of each metric that counts."""
    limits: tuple[str, ...]
    """The limits that are given, of `LIMITS`."""
    bins: int
    """Columns there are for bins of predictions, in either direction; 0 where predictions do not count."""
    paired: bool
    """Whether copied requests are compared pair by pair: accuracy counts, and the plan has a shadow stage."""
    tests: int
    """T, without `pairs`."""
    members: Mask
    """(M, T + 1) which columns, `pairs` the last, are tests of which metric."""
    asks: Mask
    """(M,) metrics that ask a person and do not roll back."""
    stages: StageTable

    @property
    def comparisons(self) -> int:
        """Number of columns that compare the tracks; those after them are limits."""
        return self.tests - len(self.limits)


@dataclass(frozen=True)
class StageTable:
    """What the stages of a plan say, one entry a stage, to be looked up by the stage of each run."""

    units: npt.NDArray[np.int64]
    """(S,) the canary's share, in units of 0.01 %."""
    min_seconds: Floats
    max_seconds: Floats
    margins: Floats
    """(S, G) odds ratio that is bad, for each gate of evidence."""
    rates: Floats
    """(S, G) rate of bad events that is bad in the absolute sense."""
    compared: Mask
    """(S,) whether requests were assigned by chance, so that the tracks may be compared: not in a header stage."""
    gated: Mask
    """(S,) whether it takes evidence to pass: not in a header or bake stage."""
    asked: Mask
    """(S, 8) which of `GATES` the stage has; accuracy where it may have to wait for labels."""
    drawn: Mask
    """(S,) whether the share of the traffic was drawn, so that it can be checked: not in a shadow or header stage."""


@lru_cache(maxsize=64)
def layout(plan: Plan) -> Layout:
    """The layout of a plan."""
    weights = plan.weights()
    limits = tuple(name for name in LIMITS if getattr(plan.limits, name) is not None) if "limits" in weights else ()
    bins = PREDICTION_BINS[plan.predictions.kind] if "predictions" in weights else 0
    widths = {"errors": 1, "latency": len(QUANTILES), "predictions": 2 * bins, "accuracy": 1, "limits": len(limits)}
    columns, first = {}, 0
    for metric in weights:
        columns[metric] = slice(first, first + widths[metric])
        first += widths[metric]
    members = np.zeros((len(weights), first + 1), dtype=np.bool_)
    for row, metric in enumerate(weights):
        members[row, columns[metric]] = True
        members[row, -1] = metric == "accuracy" and any(stage.kind == "shadow" for stage in plan.stages)
    return Layout(
        plan=plan,
        metrics=tuple(weights),
        weights=np.array(list(weights.values())),
        log_weights=np.log(list(weights.values())),
        columns=columns,
        limits=limits,
        bins=bins,
        paired=bool(members[:, -1].any()),
        tests=first,
        members=members,
        asks=np.array([metric == "predictions" and plan.predictions.action == "ask" for metric in weights]),
        stages=_stages(plan, tuple(weights)),
    )


def _stages(plan: Plan, metrics: tuple[str, ...]) -> StageTable:
    stages = plan.stages
    bad = np.array([stage.bad_odds_ratio for stage in stages])
    by_user = plan.unit == "user"
    of_latency = [gate_odds_ratio(quantile, bad, scarce=by_user) for quantile in GATED]
    slow = [max_slow_rate(quantile, margin) for quantile, margin in zip(GATED, of_latency, strict=True)]
    failing = np.array([stage.max_failure_rate for stage in stages])
    return StageTable(
        units=np.array([stage.split.canary for stage in stages], dtype=np.int64),
        min_seconds=np.array([stage.min_seconds for stage in stages]),
        max_seconds=np.array([stage.max_seconds for stage in stages]),
        margins=np.stack([bad, *of_latency, bad if by_user else _of_accuracy(bad)], axis=1),
        rates=np.stack([failing, *slow, np.full(len(stages), plan.accuracy.margin)], axis=1),
        compared=np.array([stage.kind != "header" for stage in stages]),
        gated=np.array([stage.kind in ("shadow", "canary") for stage in stages]),
        asked=np.array([[gate in _gates(stage, metrics) for gate in GATES] for stage in stages]),
        drawn=np.array([stage.kind in ("canary", "bake") for stage in stages]),
    )


def _of_accuracy(bad_odds_ratio: Floats) -> Floats:
    """The odds ratio of wrong predictions that is bad in a stage: finer than that of failures, since as many requests have
    more wrong predictions than failures. Not so where each user's first prediction alone counts."""
    return np.maximum(np.sqrt(bad_odds_ratio), 1.4)


def _gates(stage: Stage, metrics: tuple[str, ...]) -> set[str]:
    """The gates of a stage. Accuracy is none of a shadow stage, where the pairs that it compares have no gate."""
    always = {"time", "suspicion"}
    if stage.kind in ("header", "bake"):
        return always
    judged = {gate for gate in EVIDENCE_GATES if gate.split()[0] in metrics}
    return always | {"windows", "requests"} | (judged - {"accuracy"} if stage.kind == "shadow" else judged)
