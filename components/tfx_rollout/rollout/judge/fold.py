"""Counts in, evidence out: one more window of many runs at once.

A run's row has the same bits whatever runs are beside it, so that the judge of one live rollout is this with one row.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import comparison_bets, limit_bets, log_mixture, log_weighted_mean, paired_bet, paired_rate
from tfx_rollout.rollout.judge import tables
from tfx_rollout.rollout.judge.baselines import corrected_limits, wrong_share
from tfx_rollout.rollout.judge.bins import MIN_PREDICTIONS
from tfx_rollout.rollout.judge.gates import with_window as gates_with_window
from tfx_rollout.rollout.judge.guards import with_window as guards_with_window
from tfx_rollout.rollout.judge.layout import Layout, layout, stage_table
from tfx_rollout.rollout.judge.ledger import BEFORE, Ledger
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
    opened = ledger.stage != BEFORE
    compared = opened & stage_table(plan).compared[np.maximum(ledger.stage, 0)]
    compared_tables = _comparisons(plan, ledger, batch, compared)
    strata = _strata(plan, ledger, batch, opened)
    judged = _with_evidence(plan, ledger, batch, compared_tables, strata, compared)
    judged = gates_with_window(plan, judged, batch, compared_tables, strata)
    judged = guards_with_window(plan, judged, batch)
    return _with_baselines(judged, ledger, batch, opened)


def _comparisons(plan: Plan, ledger: Ledger, batch: WindowBatch, compared: Mask) -> Counts:
    """The tables of all comparisons but that of labels `(R, C, 4)`: zeros, which say nothing, where tracks are not compared."""
    metrics = layout(plan).metrics
    found = [np.zeros((ledger.runs, 0, 4), dtype=np.int64)]
    if "errors" in metrics:
        found.append(tables.error_table(batch)[:, None])
    if "latency" in metrics:
        found.append(tables.latency_tables(plan, ledger, batch))
    if "predictions" in metrics:
        found.append(tables.prediction_tables(plan, ledger, batch))
    return np.where(compared[:, None, None], np.concatenate(found, axis=1), 0)


def _strata(plan: Plan, ledger: Ledger, batch: WindowBatch, opened: Mask) -> Counts:
    """The label strata that are compared `(R, L, 4)`: zeros until stable's own accuracy is known."""
    if "accuracy" not in layout(plan).metrics:
        return batch.labels[:, :0]
    known, _ = tables.label_tolerance(plan, ledger)
    return np.where((opened & known)[:, None, None], batch.labels, 0)


def _with_evidence(plan: Plan, ledger: Ledger, batch: WindowBatch, compared: Counts, strata: Counts, mask: Mask) -> Ledger:
    columns = layout(plan)
    bets, counts = _bets(plan, ledger, compared, strata)
    if columns.limits:
        bad, trials, rates = tables.limit_trials(plan, batch)
        bad, trials = np.where(mask[:, None], bad, 0), np.where(mask[:, None], trials, 0)
        bets = np.concatenate([bets, limit_bets(bad, trials, rates)], axis=1)
        nothing = np.zeros_like(bad)
        counts = np.concatenate([counts, np.stack([bad, trials, nothing, nothing], axis=-1)], axis=1)
    with_pairs = _with_pairs(plan, ledger, batch) if columns.paired else ledger
    judged = replace(
        with_pairs,
        logs=ledger.logs + np.where(ledger.begun[:, None, :, None], bets[:, :, None, :], 0.0),
        counts=ledger.counts + counts,
    )
    log_metrics = _log_metrics(columns, judged)
    return replace(
        judged,
        log_metrics=log_metrics,
        raised=ledger.raised + (log_metrics > ledger.log_metrics),
        since=np.where(log_metrics > 0, ledger.since, batch.end),
    )


def _bets(plan: Plan, ledger: Ledger, compared: Counts, strata: Counts) -> tuple[Floats, Counts]:
    """What each comparison adds to its components `(R, C, E)` and counts `(R, C, 4)`; accuracy's strata are one of them."""
    columns = layout(plan)
    tolerances = np.ones((ledger.runs, compared.shape[1] + strata.shape[1]))
    for metric, tolerance in (("errors", plan.errors.tolerance), ("predictions", plan.predictions.tolerance)):
        if metric in columns.metrics:
            tolerances[:, columns.columns[metric]] = tolerance
    if "accuracy" not in columns.metrics:
        return comparison_bets(compared, tolerances), compared
    tolerances[:, compared.shape[1] :] = tables.label_tolerance(plan, ledger)[1][:, None]
    every = comparison_bets(np.concatenate([compared, strata], axis=1), tolerances)
    of_strata = in_order(every[:, compared.shape[1] :])
    bets = np.concatenate([every[:, : compared.shape[1]], of_strata[:, None]], axis=1)
    return bets, np.concatenate([compared, strata.sum(axis=1)[:, None]], axis=1)


def in_order(bets: Floats) -> Floats:
    """The sum over axis 1, one after the other: what is padded with zeros has the same bits as without."""
    if not bets.shape[1]:
        return np.zeros((bets.shape[0], *bets.shape[2:]))
    return np.cumsum(bets, axis=1)[:, -1]


def _with_pairs(plan: Plan, ledger: Ledger, batch: WindowBatch) -> Ledger:
    margin = plan.accuracy.margin
    rate = paired_rate(*ledger.pairs.T, margin)
    bet = paired_bet(*batch.pairs.T, rate, margin)
    opened = ledger.stage != BEFORE
    return replace(
        ledger,
        log_pairs=ledger.log_pairs + np.where(opened, bet, 0.0),
        pairs=ledger.pairs + np.where(opened[:, None], batch.pairs, 0),
    )


def _log_metrics(columns: Layout, ledger: Ledger) -> Floats:
    """Logarithm of each metric's e-value `(R, M)`: the mean over its tests."""
    tests = log_tests(ledger)
    means = []
    for metric in columns.metrics:
        own = tests[:, columns.columns[metric]]
        if metric == "predictions":
            there = np.arange(columns.bins) < np.maximum(ledger.bins, 1)[:, None]
            weights = np.concatenate([there, there], axis=1) / (2 * np.maximum(ledger.bins, 1)[:, None])
        else:
            if metric == "accuracy" and columns.paired:
                own = np.concatenate([own, ledger.log_pairs[:, None]], axis=1)
            weights = np.full(own.shape[1], 1 / own.shape[1])
        means.append(log_weighted_mean(own, weights))
    return np.stack(means, axis=1)


def log_tests(ledger: Ledger) -> Floats:
    """Logarithm of each test's e-value `(R, T)`: the mean over effects and starts."""
    return log_mixture(ledger.logs)


def _with_baselines(judged: Ledger, ledger: Ledger, batch: WindowBatch, opened: Mask) -> Ledger:
    """With what this window shows of stable, for the windows after it."""
    latency = ledger.stable_latency.copy()
    latency[:, : batch.latency.shape[2]] += batch.latency[:, 1]
    predictions = ledger.baseline_predictions + batch.predictions[:, 1].sum(axis=1)
    labels = ledger.baseline_labels + batch.labels[:, :, 2:].sum(axis=1)
    limits = corrected_limits(ledger.limit_buckets, ledger.stable_latency, latency)
    first_share = np.where(np.isnan(ledger.wrong_share), wrong_share(labels), ledger.wrong_share)
    newly_sorted = (ledger.bins == 0) & (predictions >= MIN_PREDICTIONS)
    return replace(
        judged,
        last_window=np.full(ledger.runs, batch.number, dtype=np.int64),
        ended_at=np.full(ledger.runs, batch.end),
        windows=ledger.windows + opened,
        stable_latency=latency,
        limit_buckets=np.where(opened[:, None], limits, ledger.limit_buckets),
        baseline_predictions=predictions,
        bins=np.where(newly_sorted, batch.predictions.shape[2], ledger.bins),
        baseline_labels=labels,
        wrong_share=np.where(opened, first_share, ledger.wrong_share),
    )
