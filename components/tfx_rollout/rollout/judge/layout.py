"""Which tests a plan has, and in which order: the columns of everything that the judge counts.

    comparisons                                                             limits
    errors | latency p50, p90, p99 | predictions up ×K, down ×K | accuracy | failure_rate, p99, throughput

Metrics that the plan switches off have no columns. `pairs`, the paired comparison of a shadow stage, is one more test of
`accuracy`, but not a mixture over effects and starts, so that it has a place of its own in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import QUANTILES
from tfx_rollout.rollout.plan import Plan

Floats = npt.NDArray[np.float64]

LIMITS = ("failure_rate", "p99_ms", "throughput_rps")
"""Absolute limits, by their names in the plan."""

PREDICTION_BINS = {"classes": 10, "numbers": 11}
"""Most bins of predictions: nine classes and all others; ten ranges of numbers and what is no number."""


@dataclass(frozen=True)
class Layout:
    """The columns of a plan's tests. `columns` gives the slice of each metric that has any."""

    metrics: tuple[str, ...]
    """The metrics that count, in the order of `METRICS`."""
    weights: Floats
    """Their weights, `(M,)`, which add up to 1."""
    columns: dict[str, slice]
    limits: tuple[str, ...]
    """The limits that are given, of `LIMITS`."""
    bins: int
    """Columns there are for bins of predictions, in either direction; 0 where predictions do not count."""
    paired: bool
    """Whether copied requests are compared pair by pair: accuracy counts, and the plan has a shadow stage."""
    tests: int
    """Number of columns."""

    @property
    def comparisons(self) -> int:
        """Number of columns that compare the tracks; those after them are limits."""
        return self.tests - len(self.limits)


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
    return Layout(
        metrics=tuple(weights),
        weights=np.array(list(weights.values())),
        columns=columns,
        limits=limits,
        bins=bins,
        paired="accuracy" in weights and any(stage.kind == "shadow" for stage in plan.stages),
        tests=first,
    )


@dataclass(frozen=True)
class StageTable:
    """What the stages of a plan say, one entry a stage, to be looked up by the stage of each run."""

    units: npt.NDArray[np.int64]
    """The canary's share, in units of 0.01 %."""
    min_seconds: Floats
    max_seconds: Floats
    bad_odds_ratio: Floats
    max_failure_rate: Floats
    compared: npt.NDArray[np.bool_]
    """Whether requests were assigned by chance, so that the tracks may be compared: not in a header stage."""
    gated: npt.NDArray[np.bool_]
    """Whether it takes evidence to pass: not in a header or bake stage."""
    split: npt.NDArray[np.bool_]
    """Whether the share of the traffic was drawn, so that it can be checked: not in a shadow or header stage."""


@lru_cache(maxsize=64)
def stage_table(plan: Plan) -> StageTable:
    """The stages of a plan, side by side."""
    stages = plan.stages
    return StageTable(
        units=np.array([stage.split.canary for stage in stages], dtype=np.int64),
        min_seconds=np.array([stage.min_seconds for stage in stages]),
        max_seconds=np.array([stage.max_seconds for stage in stages]),
        bad_odds_ratio=np.array([stage.bad_odds_ratio for stage in stages]),
        max_failure_rate=np.array([stage.max_failure_rate for stage in stages]),
        compared=np.array([stage.kind != "header" for stage in stages]),
        gated=np.array([stage.kind in ("shadow", "canary") for stage in stages]),
        split=np.array([stage.kind in ("canary", "bake") for stage in stages]),
    )
