"""From counts to tables: what each test of a plan compares in a window."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import GATED, QUANTILES
from tfx_rollout.evidence.histogram import bucket_of
from tfx_rollout.rollout.judge.baselines import accuracy_tolerance, canary_buckets
from tfx_rollout.rollout.judge.layout import layout
from tfx_rollout.rollout.judge.ledger import LATENCY_BUCKETS, Ledger
from tfx_rollout.rollout.judge.window_batch import WindowBatch
from tfx_rollout.rollout.plan import Plan

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MAX_SHARE_OF_BAD_WINDOWS = 0.05
"""Share of the windows with full demand in which too few answers are still within the limit of throughput."""

P99 = 0.01
"""Share of the answers that may take longer than a limit of the 99 % quantile."""


def error_table(batch: WindowBatch) -> Counts:
    """Units that failed: `(R, 4)`."""
    failed, units = batch.unit_failures, batch.units
    return np.stack([failed[:, 0], units[:, 0], failed[:, 1], units[:, 1]], axis=-1)


def latency_tables(plan: Plan, ledger: Ledger, batch: WindowBatch) -> Counts:
    """Slow answers of each track, each against its own limit: `(R, 3, 4)`. Zeros until there are limits and caches are warm."""
    limits = ledger.limit_buckets
    told = (limits >= 0) & (batch.start >= ledger.opened_at + plan.latency.settle_seconds)[:, None]
    stable = np.maximum(limits, 0)
    canary = canary_buckets(plan.latency.ratio, plan.latency.slack_ms)[stable]
    below = np.cumsum(batch.latency, axis=2)
    slow_canary, slow_stable = above(below[:, 0], canary), above(below[:, 1], stable)
    totals = np.broadcast_to(below[:, None, :, -1], (*limits.shape, 2))
    tables = np.stack([slow_canary, totals[..., 0], slow_stable, totals[..., 1]], axis=-1)
    return np.where(told[..., None], tables, 0)


def above(below: Counts, buckets: Counts) -> Counts:
    """How many latencies lie above these buckets `(R, n)`, from cumulative counts `(R, B)`."""
    last = below.shape[1] - 1
    return below[:, -1:] - np.take_along_axis(below, np.minimum(buckets, last), axis=1)


def prediction_tables(plan: Plan, ledger: Ledger, batch: WindowBatch) -> Counts:
    """Each bin "up" (is it more frequent on the canary?), then each "down" (on stable?): `(R, 2 K, 4)`. Zeros until
    bins are frozen, and for those there are not."""
    bins = layout(plan).bins
    runs, _, found = batch.predictions.shape
    hits = np.zeros((runs, 2, bins), dtype=np.int64)
    hits[:, :, :found] = np.where(ledger.bins[:, None, None] > 0, batch.predictions, 0)
    totals = np.where(np.arange(bins) < ledger.bins[:, None], hits.sum(axis=2)[..., None].transpose(1, 0, 2), 0)
    up = np.stack([hits[:, 0], totals[0], hits[:, 1], totals[1]], axis=-1)
    return np.concatenate([up, up[..., [2, 3, 0, 1]]], axis=1)


def label_tolerance(plan: Plan, ledger: Ledger) -> tuple[Mask, Floats]:
    """Whether labels are compared yet `(R,)`, and the odds ratio of wrong ones that is tolerated then `(R,)`."""
    known = ~np.isnan(ledger.wrong_share)
    return known, accuracy_tolerance(np.where(known, ledger.wrong_share, 0.5), plan.accuracy.margin)


def limit_trials(plan: Plan, batch: WindowBatch) -> tuple[Counts, Counts, Floats]:
    """Bad events and trials `(R, n)` of each limit that is given, and the rates `(n,)` of bad events within the limits.

    A window is a trial of the throughput when clients asked the canary for its share of the limit, and a
    bad one when fewer requests than that were answered well.
    """
    limits = plan.limits
    bad, trials, rates = [], [], []
    for name in layout(plan).limits:
        if name == "failure_rate":
            events, of, rate = batch.failures[:, 0], batch.requests[:, 0], cast(float, limits.failure_rate)
        elif name == "p99_ms":
            below = np.cumsum(batch.latency[:, 0], axis=1)
            bucket = min(bucket_of(1000 * cast(float, limits.p99_ms)), LATENCY_BUCKETS - 1)
            events, of, rate = above(below, np.full((len(below), 1), bucket))[:, 0], below[:, -1], P99
        else:
            owed = cast(float, limits.throughput_rps) * batch.share * (batch.end - batch.start)
            asked = (batch.share > 0) & (batch.requests[:, 0] >= owed)
            short = asked & (batch.requests[:, 0] - batch.failures[:, 0] < owed)
            events, of, rate = short.astype(np.int64), asked.astype(np.int64), MAX_SHARE_OF_BAD_WINDOWS
        bad.append(events)
        trials.append(of)
        rates.append(rate)
    return np.stack(bad, axis=1), np.stack(trials, axis=1), np.array(rates)


GATED_COLUMNS = [QUANTILES.index(quantile) for quantile in GATED]
"""Which of the latency tables gates have."""
