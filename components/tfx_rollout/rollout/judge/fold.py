"""Counts in, evidence out: one more window of many runs at once.

A run's row has the same bits whatever runs are beside it, so that the judge of one live rollout is this with one row.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import (
    answers,
    in_order,
    limit_bets,
    log_mixture,
    log_weighted_mean,
    paired_bet,
    paired_rate,
    uneven,
    worse,
)
from tfx_rollout.rollout.judge import gates, guards
from tfx_rollout.rollout.judge.baselines import corrected_limits, wrong_share
from tfx_rollout.rollout.judge.bins import MIN_PREDICTIONS
from tfx_rollout.rollout.judge.layout import Layout, layout
from tfx_rollout.rollout.judge.ledger import BEFORE, Changes, Ledger
from tfx_rollout.rollout.judge.tables import Tables, limit_trials, tables_of, tolerances
from tfx_rollout.rollout.judge.window_batch import WindowBatch
from tfx_rollout.rollout.plan import Plan

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def fold(plan: Plan, ledger: Ledger, batch: WindowBatch) -> Ledger:
    """The ledger after this window of each run.

    Runs whose last judged window has this number, or a higher one, stay as they are. Before the first stage a window
    shows what stable is like, and nothing else. What a window is held against (latency limits, bins, stable's accuracy)
    is always taken from the windows before it.
    """
    fresh = ledger.last_window < batch.number
    if not fresh.all():
        return ledger.put(fresh, fold(plan, ledger.keep(fresh), batch.keep(fresh))) if fresh.any() else ledger
    columns = layout(plan)
    found = tables_of(columns, ledger, batch)
    gated = gates.tables(columns, ledger, batch, found)
    overdue = guards.tables(columns, ledger, batch)
    of_compared, of_strata = tolerances(columns, ledger)
    against, strata, passing, coverage = answers(
        worse(found.compared, of_compared),
        worse(found.strata, of_strata),
        gates.question(columns, ledger, gated),
        uneven(overdue),
    )
    changes = (
        _evidence(columns, ledger, batch, found, _with_strata(columns, against, strata))
        | gates.after_window(columns, ledger, batch, gated, passing)
        | guards.after_window(columns, ledger, batch, overdue, coverage)
        | _baselines(ledger, batch)
    )
    return replace(ledger, **changes)


def _with_strata(columns: Layout, against: Floats, strata: Floats) -> Floats:
    """The bets of all comparisons `(R, C, E)`; the strata of labels are one of them."""
    if "accuracy" not in columns.metrics:
        return against
    return np.concatenate([against, in_order(strata)[:, None]], axis=1)


def _evidence(columns: Layout, ledger: Ledger, batch: WindowBatch, found: Tables, bets: Floats) -> Changes:
    """What this window's evidence against the canary changes."""
    counts = found.compared
    if "accuracy" in columns.metrics:
        counts = np.concatenate([counts, found.strata.sum(axis=1)[:, None]], axis=1)
    if columns.limits:
        bad, trials, rates = limit_trials(columns, ledger, batch)
        bets = np.concatenate([bets, limit_bets(bad, trials, rates)], axis=1)
        nothing = np.zeros_like(bad)
        counts = np.concatenate([counts, np.stack([bad, trials, nothing, nothing], axis=-1)], axis=1)
    logs = ledger.logs + np.where(ledger.begun[:, None, :, None], bets[:, :, None, :], 0.0)
    pairs = np.where((ledger.stage != BEFORE)[:, None], batch.pairs, 0) if columns.paired else np.zeros_like(batch.pairs)
    log_tests = np.concatenate([log_mixture(logs), _log_pairs(columns, ledger, pairs)[:, None]], axis=1)
    log_metrics = _log_metrics(columns, ledger, log_tests)
    return {
        "logs": logs,
        "counts": ledger.counts + counts,
        "pairs": ledger.pairs + pairs,
        "log_tests": log_tests,
        "log_metrics": log_metrics,
        "raised": ledger.raised + (log_metrics > ledger.log_metrics),
        "since": np.where(log_metrics > 0, ledger.since, batch.end),
    }


def _log_pairs(columns: Layout, ledger: Ledger, pairs: Counts) -> Floats:
    """The e-process of the pairs after this window: `(R,)`. Its rate is that of the windows before."""
    if not columns.paired:
        return ledger.log_tests[:, -1]
    (worse, same, better), margin = ledger.pairs.T, columns.plan.accuracy.margin
    rate = paired_rate(worse, same, better, margin)
    return ledger.log_tests[:, -1] + paired_bet(pairs[:, 0], pairs[:, 1], pairs[:, 2], rate, margin)


def _log_metrics(columns: Layout, ledger: Ledger, log_tests: Floats) -> Floats:
    """Logarithm of each metric's e-value `(R, M)`: the mean over its tests, of predictions over the bins there are."""
    members = np.repeat(columns.members[None], ledger.runs, axis=0)
    if columns.bins:
        there = np.arange(columns.bins) < np.maximum(ledger.bins, 1)[:, None]
        members[:, columns.metrics.index("predictions"), columns.columns["predictions"]] = np.concatenate([there, there], axis=1)
    return log_weighted_mean(np.repeat(log_tests[:, None], len(columns.metrics), axis=1), members)


def _baselines(ledger: Ledger, batch: WindowBatch) -> Changes:
    """What this window shows of stable, for the windows after it."""
    opened = ledger.stage != BEFORE
    latency = ledger.stable_latency.copy()
    latency[:, : batch.latency.shape[2]] += batch.latency[:, 1]
    predictions = ledger.baseline_predictions + batch.predictions[:, 1].sum(axis=1)
    labels = ledger.baseline_labels + batch.labels[:, :, 2:].sum(axis=1)
    limits = corrected_limits(ledger.limit_buckets, ledger.stable_latency, latency)
    first_share = np.where(np.isnan(ledger.wrong_share), wrong_share(labels), ledger.wrong_share)
    newly_sorted = (ledger.bins == 0) & (predictions >= MIN_PREDICTIONS)
    return {
        "last_window": np.full(ledger.runs, batch.number, dtype=np.int64),
        "ended_at": np.full(ledger.runs, batch.end),
        "windows": ledger.windows + opened,
        "stable_latency": latency,
        "limit_buckets": np.where(opened[:, None], limits, ledger.limit_buckets),
        "baseline_predictions": predictions,
        "bins": np.where(newly_sorted, batch.predictions.shape[2], ledger.bins),
        "baseline_labels": labels,
        "wrong_share": np.where(opened, first_share, ledger.wrong_share),
    }
