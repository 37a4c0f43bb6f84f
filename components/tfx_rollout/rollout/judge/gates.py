"""The gates: what has to be shown for the open stage to pass.

Floors of time, windows and requests; no suspicion, that is evidence for a rollback less than half-way to it, as a
logarithm; and evidence of `1/beta` against "the canary is bad", in each respect by itself:

- *errors*, and *latency* at stable's 90 and 99 % quantiles, each against bad in the relative *and* the absolute sense
  (`analysis.gate`); the 99 % one with a wider margin (`analysis.gate_odds_ratio`);
- *accuracy*, where the plan requires it or labels have come. Bad in the absolute sense is then a share of wrong predictions whose
  odds are `bad_odds_ratio` times those of stable when the stage opened. What falls due in a
  stage counts in it, whenever it was predicted: a canary that errs in a later stage only is not caught by the gate, but
  by the evidence for a rollback.

A header stage and a bake stage pass with time, unless something speaks against the canary; accuracy is
no gate of a shadow stage, where the pairs that it compares have no gate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import (
    GATED,
    gate_odds_ratio,
    log_absolute,
    log_joint,
    log_relative,
    max_slow_rate,
    passage_bets,
)
from tfx_rollout.rollout.judge import tables
from tfx_rollout.rollout.judge.baselines import scaled_rate
from tfx_rollout.rollout.judge.layout import layout, stage_table
from tfx_rollout.rollout.judge.ledger import BEFORE, EVIDENCE_GATES, Ledger
from tfx_rollout.rollout.judge.window_batch import WindowBatch
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.traffic import FULL

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

FLOORS = ("time", "windows", "requests")
"""Gates that need an amount, no evidence."""

GATES = (*FLOORS, "suspicion", *EVIDENCE_GATES)
"""All gates, in the order of `Gates.passed`."""


@dataclass(frozen=True)
class Gates:
    """How the open stage of each run stands. What is no gate of a run's stage counts as passed."""

    asked: Mask
    """(R, 8) which of `GATES` the stage has."""
    passed: Mask
    """(R, 8) which of them are passed, or not asked."""
    elapsed: Floats
    """(R,) seconds since the stage opened."""
    logs: Floats
    """(R, G) logarithm of the evidence of each of `EVIDENCE_GATES`."""


def with_window(plan: Plan, ledger: Ledger, batch: WindowBatch, compared: Counts, strata: Counts) -> Ledger:
    """The ledger with this window's evidence for passing. Windows under another split than the stage's add nothing."""
    stages, stage = stage_table(plan), np.maximum(ledger.stage, 0)
    own = (ledger.stage != BEFORE) & (np.rint(batch.share * FULL).astype(np.int64) == stages.units[stage])
    counted = replace(
        ledger,
        stage_windows=ledger.stage_windows + own,
        stage_requests=ledger.stage_requests + np.where(own, batch.requests[:, 0], 0),
    )
    found = _gated_tables(plan, compared)
    every = np.concatenate([found, strata], axis=1)
    every = np.where((own & stages.gated[stage])[:, None, None], every, 0)
    margins = odds_ratios(plan)[stage]
    of_strata = np.broadcast_to(margins[:, -1:], strata.shape[:2])
    bets = passage_bets(every, np.concatenate([margins[:, :-1], of_strata], axis=1))
    first = found.shape[1]
    labels = every[:, first:]
    summed = np.cumsum(bets[:, first:], axis=1)[:, -1:] if labels.shape[1] else np.zeros((ledger.runs, 1, bets.shape[2]))
    return replace(
        counted,
        gate_logs=ledger.gate_logs + np.concatenate([bets[:, :first], summed], axis=1),
        gate_counts=ledger.gate_counts + np.concatenate([every[:, :first], labels.sum(axis=1, keepdims=True)], axis=1),
    )


def evaluate(plan: Plan, ledger: Ledger, suspicion: Mask) -> Gates:
    """The gates of each run's open stage. `suspicion` (R,) where the evidence for a rollback is half-way to it."""
    stages, stage = stage_table(plan), np.maximum(ledger.stage, 0)
    gated, elapsed = stages.gated[stage], np.maximum(0.0, ledger.ended_at - ledger.opened_at)
    margins = odds_ratios(plan)[stage]
    absolute = log_absolute(ledger.gate_counts[..., 0], ledger.gate_counts[..., 1], max_rates(plan, ledger))
    logs = log_joint(log_relative(ledger.gate_logs, margins), absolute)
    reached = [
        elapsed >= stages.min_seconds[stage],
        ledger.stage_windows >= plan.min_windows,
        ledger.stage_requests >= plan.min_requests,
        ~suspicion,
    ]
    always = np.ones(ledger.runs, dtype=np.bool_)
    metrics = layout(plan).metrics
    labels = (stages.units[stage] > 0) & (plan.accuracy.required | (ledger.baseline_labels[:, 1] > 0))
    asked = [
        always,
        gated,
        gated,
        always,
        gated & ("errors" in metrics),
        *[gated & ("latency" in metrics)] * len(GATED),
        gated & ("accuracy" in metrics) & labels,
    ]
    asks = np.stack(asked, axis=1)
    met = np.concatenate([np.stack(reached, axis=1), logs >= np.log(1 / plan.beta)], axis=1)
    return Gates(asks, met | ~asks, elapsed, logs)


def max_rates(plan: Plan, ledger: Ledger) -> Floats:
    """The rate of bad events that is bad in the absolute sense, for each gate of evidence: `(R, G)`."""
    stage = np.maximum(ledger.stage, 0)
    known = np.where(np.isnan(ledger.wrong_share), 0.5, ledger.wrong_share)
    of_labels = scaled_rate(known, odds_ratios(plan)[stage, -1])
    return np.concatenate([_fixed_rates(plan)[stage], of_labels[:, None]], axis=1)


@lru_cache(maxsize=64)
def odds_ratios(plan: Plan) -> Floats:
    """The odds ratio that is bad, for each stage and gate of evidence: `(S, G)`."""
    bad = stage_table(plan).bad_odds_ratio
    return np.stack([bad, *(gate_odds_ratio(quantile, bad) for quantile in GATED), bad], axis=1)


@lru_cache(maxsize=64)
def _fixed_rates(plan: Plan) -> Floats:
    of_latency = [max_slow_rate(quantile, odds_ratios(plan)[:, 1 + i]) for i, quantile in enumerate(GATED)]
    return np.stack([stage_table(plan).max_failure_rate, *of_latency], axis=1)


def _gated_tables(plan: Plan, compared: Counts) -> Counts:
    """The tables of `EVIDENCE_GATES` but accuracy: `(R, 3, 4)`, zeros for metrics that do not count."""
    columns = layout(plan).columns
    found = np.zeros((len(compared), 1 + len(GATED), 4), dtype=np.int64)
    if "errors" in columns:
        found[:, 0] = compared[:, columns["errors"].start]
    if "latency" in columns:
        found[:, 1:] = compared[:, columns["latency"]][:, tables.GATED_COLUMNS]
    return found
