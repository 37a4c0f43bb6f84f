"""The gates: what has to be shown for the open stage to pass.

Floors of time, windows and requests; no suspicion, that is no metric whose own evidence is half-way to a rollback, as a
logarithm; and evidence of `1/beta` against "the canary is bad", in each respect by itself:

- *errors*, and *latency* at stable's 90 and 99 % quantiles, each against bad in the relative *and* the absolute sense
  (`analysis.gate`), with margins of their own (`analysis.gate_odds_ratio`);
- *accuracy*, where the plan requires it or labels have come. The margin is finer than that of failures, and bad in the
  absolute sense is a share of wrong predictions of at least `accuracy.margin`: a rate of the plan's, since one taken from
  stable's first labels would be off by chance, and let bad canaries pass where it is too high. What falls due in a stage
  counts in it, whenever it was predicted: a canary that errs in a later stage only is not caught by the gate, but by the
  evidence for a rollback.

A header stage and a bake stage pass with time, unless something speaks against the canary; accuracy is
no gate of a shadow stage, where the pairs that it compares have no gate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import GATED, QUANTILES, Question, good, in_order, log_absolute, log_joint, log_relative
from tfx_rollout.rollout.judge.layout import EVIDENCE_GATES, Layout
from tfx_rollout.rollout.judge.ledger import BEFORE, Changes, Ledger
from tfx_rollout.rollout.judge.tables import Tables
from tfx_rollout.rollout.judge.window_batch import WindowBatch
from tfx_rollout.traffic import FULL

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_TABLES = len(EVIDENCE_GATES) - 1
"""Gates of evidence but accuracy: each has one table a window."""

_OF_LATENCY = [QUANTILES.index(quantile) for quantile in GATED]


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
    rates: Floats
    """(R, G) rate of bad events that is bad in the absolute sense, for each of them."""


def tables(columns: Layout, ledger: Ledger, batch: WindowBatch, found: Tables) -> Counts:
    """The tables of the gates: one each but of accuracy, then the label strata `(R, 3 + L, 4)`.

    Zeros for what is no gate of the stage, and in windows under another split than the stage's."""
    first = np.zeros((ledger.runs, _TABLES, 4), dtype=np.int64)
    if "errors" in columns.metrics:
        first[:, 0] = found.compared[:, columns.columns["errors"].start]
    if "latency" in columns.metrics:
        first[:, 1:] = found.compared[:, columns.columns["latency"]][:, _OF_LATENCY]
    counted = _own_split(columns, ledger, batch) & columns.stages.gated[ledger.stage]
    return np.where(counted[:, None, None], np.concatenate([first, found.strata], axis=1), 0)


def question(columns: Layout, ledger: Ledger, found: Counts) -> Question:
    """The bets on these tables that the canary is good."""
    margins = columns.stages.margins[ledger.stage]
    return good(found, margins[:, [*range(_TABLES), *[_TABLES] * (found.shape[1] - _TABLES)]])


def after_window(columns: Layout, ledger: Ledger, batch: WindowBatch, found: Counts, bets: Floats) -> Changes:
    """What this window's evidence for passing changes."""
    own = _own_split(columns, ledger, batch)
    logs = np.concatenate([bets[:, :_TABLES], in_order(bets[:, _TABLES:])[:, None]], axis=1)
    counts = np.concatenate([found[:, :_TABLES], found[:, _TABLES:].sum(axis=1)[:, None]], axis=1)
    return {
        "stage_windows": ledger.stage_windows + own,
        "stage_requests": ledger.stage_requests + np.where(own, batch.requests[:, 0], 0),
        "gate_logs": ledger.gate_logs + logs,
        "gate_counts": ledger.gate_counts + counts,
    }


def evaluate(columns: Layout, ledger: Ledger, suspicion: Mask) -> Gates:
    """The gates of each run's open stage. `suspicion` (R,) where a metric's evidence is half-way to a rollback."""
    plan, stages, stage = columns.plan, columns.stages, ledger.stage
    elapsed = np.maximum(0.0, ledger.ended_at - ledger.opened_at)
    counts = ledger.gate_counts
    rates = stages.rates[stage]
    absolute = log_absolute(counts[..., 0], counts[..., 1], rates)
    logs = log_joint(log_relative(ledger.gate_logs, stages.margins[stage]), absolute)
    asked = stages.asked[stage]
    asked[:, -1] &= plan.accuracy.required | (ledger.baseline_labels[:, 1] > 0)
    met = np.empty(asked.shape, dtype=np.bool_)
    met[:, 0] = elapsed >= stages.min_seconds[stage]
    met[:, 1] = ledger.stage_windows >= plan.min_windows
    met[:, 2] = ledger.stage_requests >= plan.min_requests
    met[:, 3] = ~suspicion
    met[:, 4:] = logs >= math.log(1 / plan.beta)
    return Gates(asked, met | ~asked, elapsed, logs, rates)


def _own_split(columns: Layout, ledger: Ledger, batch: WindowBatch) -> Mask:
    units = np.rint(batch.share * FULL).astype(np.int64)
    return (ledger.stage != BEFORE) & (units == columns.stages.units[ledger.stage])
