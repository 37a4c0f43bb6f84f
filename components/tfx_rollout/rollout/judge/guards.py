"""The guards: whether the comparison is fair at all, each with an alpha of its own (`analysis.GUARD_ALPHA`).

- *split*: did the canary get the share of the requests that was set? Not in a shadow or header stage, and not
  where users are assigned (their requests are not drawn one by one).
- *labels*: does one track miss more labels than the other?
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import GUARD_ALPHA, in_order, log_weighted_mean, split_bets
from tfx_rollout.rollout.judge.layout import Layout
from tfx_rollout.rollout.judge.ledger import BEFORE, Changes, Ledger
from tfx_rollout.rollout.judge.window_batch import WindowBatch

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

GUARDS = ("split", "labels")
"""The guards, in the order of `log_guards`."""

GUARD_THRESHOLD = 1 / GUARD_ALPHA
"""The e-value from which on a guard is raised."""


def tables(columns: Layout, ledger: Ledger, batch: WindowBatch) -> Counts:
    """The tables of missing labels `(R, N, 4)`."""
    missing = batch.missing if "accuracy" in columns.metrics else batch.missing[:, :0]
    return np.where((ledger.stage != BEFORE)[:, None, None], missing, 0)


def after_window(columns: Layout, ledger: Ledger, batch: WindowBatch, overdue: Counts, coverage: Floats) -> Changes:
    """What this window says about the comparison itself."""
    changes: Changes = {}
    if each_way := overdue.shape[1]:
        both = np.stack([in_order(coverage[:, :each_way]), in_order(coverage[:, each_way:])], axis=1)
        changes["coverage_logs"] = ledger.coverage_logs + both
        changes["coverage_counts"] = ledger.coverage_counts + overdue.sum(axis=1)
    if columns.plan.unit == "user":
        return changes
    drawn = (ledger.stage != BEFORE) & columns.stages.drawn[ledger.stage] & (batch.share > 0)
    canary = np.where(drawn, batch.requests[:, 0], 0)
    total = np.where(drawn, batch.requests[:, 0] + batch.requests[:, 1], 0)
    changes["split_logs"] = ledger.split_logs + split_bets(canary, total, batch.share)
    changes["split_counts"] = ledger.split_counts + np.stack([canary, total, total * batch.share], axis=1)
    return changes


def log_guards(ledger: Ledger) -> Floats:
    """Logarithm of each guard's e-value: `(R, 2)`."""
    coverage = ledger.coverage_logs.reshape(ledger.runs, -1)
    return np.stack([_log_mean(ledger.split_logs), _log_mean(coverage)], axis=1)


def _log_mean(logs: Floats) -> Floats:
    return log_weighted_mean(logs, np.ones(logs.shape[1]))
