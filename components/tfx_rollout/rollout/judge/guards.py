"""The guards: whether the comparison is fair at all, each with an alpha of its own (`analysis.GUARD_ALPHA`).

- *split*: did the canary get the share of the requests that was set? Not in a shadow or header stage, and not
  where users are assigned (their requests are not drawn one by one).
- *labels*: does one track miss more labels than the other?
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import GUARD_ALPHA, coverage_bets, log_weighted_mean, split_bets
from tfx_rollout.rollout.judge.layout import layout, stage_table
from tfx_rollout.rollout.judge.ledger import BEFORE, Ledger
from tfx_rollout.rollout.judge.window_batch import WindowBatch
from tfx_rollout.rollout.plan import Plan

Floats = npt.NDArray[np.float64]

GUARDS = ("split", "labels")
"""The guards, in the order of `log_guards`."""

GUARD_THRESHOLD = 1 / GUARD_ALPHA
"""The e-value from which on a guard is raised."""


def with_window(plan: Plan, ledger: Ledger, batch: WindowBatch) -> Ledger:
    """The ledger with what this window says about the comparison itself."""
    opened = ledger.stage != BEFORE
    if plan.unit == "request":
        drawn = opened & stage_table(plan).split[np.maximum(ledger.stage, 0)] & (batch.share > 0)
        canary = np.where(drawn, batch.requests[:, 0], 0)
        total = np.where(drawn, batch.requests[:, 0] + batch.requests[:, 1], 0)
        ledger = replace(
            ledger,
            split_logs=ledger.split_logs + split_bets(canary, total, batch.share),
            split_counts=ledger.split_counts + np.stack([canary, total, total * batch.share], axis=1),
        )
    if "accuracy" in layout(plan).metrics and batch.missing.shape[1]:
        overdue = np.where(opened[:, None, None], batch.missing, 0)
        ledger = replace(
            ledger,
            coverage_logs=ledger.coverage_logs + np.cumsum(coverage_bets(overdue), axis=1)[:, -1],
            coverage_counts=ledger.coverage_counts + overdue.sum(axis=1),
        )
    return ledger


def log_guards(ledger: Ledger) -> Floats:
    """Logarithm of each guard's e-value: `(R, 2)`."""
    coverage = ledger.coverage_logs.reshape(ledger.runs, -1)
    return np.stack([_log_mean(ledger.split_logs), _log_mean(coverage)], axis=1)


def _log_mean(logs: Floats) -> Floats:
    return log_weighted_mean(logs, np.full(logs.shape[1], 1 / logs.shape[1]))
