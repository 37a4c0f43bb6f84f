"""From counts to tables: what each test of a plan compares in a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_rollout.evidence.histogram import bucket_of
from tfx_rollout.rollout.judge.baselines import accuracy_tolerance, canary_buckets
from tfx_rollout.rollout.judge.layout import Layout
from tfx_rollout.rollout.judge.ledger import BEFORE, LATENCY_BUCKETS, Ledger
from tfx_rollout.rollout.judge.window_batch import WindowBatch

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MAX_SHARE_OF_BAD_WINDOWS = 0.05
"""Share of the windows with full demand in which too few answers are still within the limit of throughput."""

P99 = 0.01
"""Share of the answers that may take longer than a limit of the 99 % quantile."""


@dataclass(frozen=True)
class Tables:
    """What a window compares: zeros, which say nothing, where it does not."""

    compared: Counts
    """(R, C, 4) of errors, latency and predictions, in the order of the layout's columns."""
    strata: Counts
    """(R, L, 4) of labels, one a stratum; empty where accuracy does not count."""


def tables_of(columns: Layout, ledger: Ledger, batch: WindowBatch) -> Tables:
    """The tables of a window. In a header stage only labels of earlier windows are compared, before the first stage nothing."""
    found = [np.zeros((ledger.runs, 0, 4), dtype=np.int64)]
    if "errors" in columns.metrics:
        found.append(_table(batch.unit_failures[:, 0], batch.units[:, 0], batch.unit_failures[:, 1], batch.units[:, 1])[:, None])
    if "latency" in columns.metrics:
        found.append(_latency(columns, ledger, batch))
    if "predictions" in columns.metrics:
        found.append(_predictions(columns, ledger, batch))
    known = (ledger.stage != BEFORE) & ~np.isnan(ledger.wrong_share)
    strata = batch.labels if "accuracy" in columns.metrics else batch.labels[:, :0]
    return Tables(
        np.where(_compared(columns, ledger)[:, None, None], np.concatenate(found, axis=1), 0),
        np.where(known[:, None, None], strata, 0),
    )


def tolerances(columns: Layout, ledger: Ledger) -> tuple[Floats, Floats]:
    """The odds ratios that are tolerated: of the tables compared `(C,)`, and of label strata `(R, 1)`."""
    plan, accuracy = columns.plan, "accuracy" in columns.metrics
    compared = np.ones(columns.comparisons - accuracy)
    for metric, tolerance in (("errors", plan.errors.tolerance), ("predictions", plan.predictions.tolerance)):
        if metric in columns.metrics:
            compared[columns.columns[metric]] = tolerance
    known = np.where(np.isnan(ledger.wrong_share), 0.5, ledger.wrong_share)
    return compared, accuracy_tolerance(known, plan.accuracy.margin)[:, None]


def limit_trials(columns: Layout, ledger: Ledger, batch: WindowBatch) -> tuple[Counts, Counts, Floats]:
    """Bad events and trials `(R, n)` of each limit that is given, and the rates `(n,)` of bad events within the limits.

    A window is a trial of the throughput when clients asked the canary for its share of the limit, and a
    bad one when fewer requests than that were answered well.
    """
    limits = columns.plan.limits
    bad, trials, rates = [], [], []
    if limits.failure_rate is not None:
        bad.append(batch.failures[:, 0])
        trials.append(batch.requests[:, 0])
        rates.append(limits.failure_rate)
    if limits.p99_ms is not None:
        below = np.cumsum(batch.latency[:, 0], axis=1)
        bucket = min(bucket_of(1000 * limits.p99_ms), LATENCY_BUCKETS - 1)
        bad.append(above(below, np.full((len(below), 1), bucket))[:, 0])
        trials.append(below[:, -1])
        rates.append(P99)
    if limits.throughput_rps is not None:
        owed = limits.throughput_rps * batch.share * (batch.end - batch.start)
        asked = (batch.share > 0) & (batch.requests[:, 0] >= owed)
        bad.append((asked & (batch.requests[:, 0] - batch.failures[:, 0] < owed)).astype(np.int64))
        trials.append(asked.astype(np.int64))
        rates.append(MAX_SHARE_OF_BAD_WINDOWS)
    mask = _compared(columns, ledger)[:, None]
    return np.where(mask, np.stack(bad, axis=1), 0), np.where(mask, np.stack(trials, axis=1), 0), np.array(rates)


def above(below: Counts, buckets: Counts) -> Counts:
    """How many latencies lie above these buckets `(R, n)`, from cumulative counts `(R, B)`."""
    last = below.shape[1] - 1
    return below[:, -1:] - below[np.arange(len(below))[:, None], np.minimum(buckets, last)]


def _compared(columns: Layout, ledger: Ledger) -> Mask:
    return (ledger.stage != BEFORE) & columns.stages.compared[ledger.stage]


def _latency(columns: Layout, ledger: Ledger, batch: WindowBatch) -> Counts:
    """Slow answers of each track, each against its own limit: `(R, 3, 4)`. Zeros until there are limits and caches are warm."""
    test, limits = columns.plan.latency, ledger.limit_buckets
    told = (limits >= 0) & (batch.start >= ledger.opened_at + test.settle_seconds)[:, None]
    canary = canary_buckets(test.ratio, test.slack_ms)[limits]
    below = np.cumsum(batch.latency, axis=2)
    slow_canary, slow_stable = above(below[:, 0], canary), above(below[:, 1], np.maximum(limits, 0))
    tables = _table(slow_canary, below[:, 0, -1:], slow_stable, below[:, 1, -1:])
    return np.where(told[..., None], tables, 0)


def _table(canary_bad: Counts, canary: Counts, stable_bad: Counts, stable: Counts) -> Counts:
    """Four counts side by side: `(...)` to `(..., 4)`."""
    table = np.empty((*canary_bad.shape, 4), dtype=np.int64)
    for column, counts in enumerate((canary_bad, canary, stable_bad, stable)):
        table[..., column] = counts
    return table


def _predictions(columns: Layout, ledger: Ledger, batch: WindowBatch) -> Counts:
    """Each bin "up" (more frequent on the canary?), then each "down" (on stable?): `(R, 2 K, 4)`.

    Zeros until bins are frozen, and for those that a run has not."""
    bins = columns.bins
    there = np.arange(bins) < ledger.bins[:, None]
    hits = np.zeros((ledger.runs, 2, bins), dtype=np.int64)
    hits[:, :, : batch.predictions.shape[2]] = batch.predictions
    hits = np.where(there[:, None], hits, 0)
    totals = np.where(there[:, None], hits.sum(axis=2)[..., None], 0)
    up = _table(hits[:, 0], totals[:, 0], hits[:, 1], totals[:, 1])
    return np.concatenate([up, up[..., [2, 3, 0, 1]]], axis=1)
