"""Counts in, evidence out: one more window of many tests at once.

Arrivals are judged as soon as a window is closed (harm, and whether users are assigned as they should be), outcomes
once feedback about its users has had its time. A variant about which something was decided bets no more, but that one
which is better may yet do harm: what it has stays as it is. A row has the same bits whatever rows are beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import answers, split_bets, uneven, worse
from tfx_rollout.analysis.effect_mean import differences, mean_bets
from tfx_rollout.analysis.effect_odds import odds_bets
from tfx_rollout.experiment.judge.ledger import BETTER, OPEN, ExperimentLedger, hypotheses_of
from tfx_rollout.experiment.plan import ExperimentPlan
from tfx_rollout.experiment.window import ExperimentWindow, MaturedWindow
from tfx_rollout.traffic import Track

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ArrivalBatch:
    """A window's arrivals in R tests: numbers (R,), shares (R, A) under the split, counts (R, A)."""

    number: Counts
    shares: Floats
    users: Counts
    requests: Counts
    failures: Counts
    at_risk: Counts
    failed: Counts

    @classmethod
    def of(cls, plan: ExperimentPlan, window: ExperimentWindow) -> ArrivalBatch:
        """One test's window, as a batch of one."""
        tracks = (Track.STABLE, *plan.tracks)
        arms = [window.arm(track) for track in tracks]
        columns = {name: _row([getattr(arm, name) for arm in arms]) for name in _ARRIVALS}
        shares = np.array([[window.split.share(track) for track in tracks]])
        return cls(np.array([window.number]), shares, **columns)


@dataclass(frozen=True)
class OutcomeBatch:
    """What became of a window's users in R tests: numbers (R,), counts (R, A), and for numbers the scaled differences of each
    variant from the live version (R, V, K) with the mask of those that there are, and sums (R, A)."""

    number: Counts
    users: Counts
    counted: Counts
    positives: Counts
    sums: Floats
    pairs: Floats
    paired: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, plan: ExperimentPlan, window: MaturedWindow) -> OutcomeBatch:
        """One test's window, as a batch of one."""
        arms = [window.arm(track) for track in (Track.STABLE, *plan.tracks)]
        pairs, paired = paired_columns(plan, [[arm.values for arm in arms]])
        columns = {name: _row([getattr(arm, name) for arm in arms]) for name in ("users", "counted", "positives")}
        sums = np.array([[float(np.sum(arm.values)) for arm in arms]])
        return cls(np.array([window.number]), sums=sums, pairs=pairs, paired=paired, **columns)


def fold_arrivals(plan: ExperimentPlan, ledger: ExperimentLedger, batch: ArrivalBatch) -> ExperimentLedger:
    """The ledger after this window's arrivals. Tests that have judged it already stay as they are."""
    fresh = ledger.window < batch.number
    counted = fresh[:, None]
    tables = _against_control(batch.failed, batch.at_risk)
    (harm,) = answers(worse(np.where(fresh[:, None, None], tables, 0), plan.harm.tolerance))
    both = batch.users[:, :1] + batch.users[:, 1:]
    own = batch.shares[:, 1:] / np.maximum(batch.shares[:, :1] + batch.shares[:, 1:], 1e-300)
    split = split_bets(np.where(counted, batch.users[:, 1:], 0), np.where(counted, both, 0), own)
    still = ((ledger.state == OPEN) | (ledger.state == BETTER))[..., None]
    return ledger.change(
        window=np.where(fresh, batch.number, ledger.window),
        harm=ledger.harm + np.where(still, harm, 0.0),
        split=ledger.split + np.where(still, split, 0.0),
        users=ledger.users + np.where(counted, batch.users, 0),
        requests=ledger.requests + np.where(counted, batch.requests, 0),
        failures=ledger.failures + np.where(counted, batch.failures, 0),
        failed=ledger.failed + np.where(counted, batch.failed, 0),
        expected=ledger.expected + np.where(counted, batch.users.sum(axis=1, keepdims=True) * batch.shares, 0.0),
    )


def fold_outcomes(plan: ExperimentPlan, ledger: ExperimentLedger, batch: OutcomeBatch) -> ExperimentLedger:
    """The ledger after the outcomes of this window's users. Tests that have judged them already stay as they are."""
    fresh = ledger.matured < batch.number
    counted = fresh[:, None]
    if plan.metric.kind == "number":
        interval = ledger.logs.shape[2] > 1
        bets = mean_bets(batch.pairs, hypotheses_of(interval), batch.paired & fresh[:, None, None])
    else:
        bets = odds_bets(np.where(fresh[:, None, None], _against_control(batch.positives, batch.counted), 0))
    is_open = ledger.state == OPEN
    coverage = ledger.coverage
    if plan.metric.kind != "event":
        missing = np.where(fresh[:, None, None], _against_control(batch.users - batch.counted, batch.users), 0)
        (both_ways,) = answers(uneven(missing))
        more, less = np.split(both_ways, 2, axis=1)
        coverage = coverage + np.where(is_open[..., None, None], np.stack([more, less], axis=2), 0.0)
    shown = is_open.reshape(*is_open.shape, *[1] * (bets.ndim - 2))
    return ledger.change(
        matured=np.where(fresh, batch.number, ledger.matured),
        logs=ledger.logs + np.where(shown, bets, 0.0),
        coverage=coverage,
        due=ledger.due + np.where(counted, batch.users, 0),
        outcomes=ledger.outcomes + np.where(counted, batch.counted, 0),
        positives=ledger.positives + np.where(counted, batch.positives, 0),
        sums=ledger.sums + np.where(counted, batch.sums, 0.0),
    )


def paired_columns(plan: ExperimentPlan, values: Sequence[Sequence[npt.ArrayLike]]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Scaled differences of each variant from the live version, from the values of each run's arms: `(R, V, K)` and their
    mask."""
    variants = len(plan.variants)
    if plan.metric.kind != "number":
        empty = np.zeros((len(values), variants, 0))
        return empty, empty.astype(np.bool_)
    assert plan.metric.low is not None
    assert plan.metric.high is not None
    span = plan.metric.high - plan.metric.low
    found = [[differences(arm, run[0], span) for arm in run[1:]] for run in values]
    most = max(row.size for run in found for row in run)
    pairs = np.zeros((len(values), variants, most))
    paired = np.zeros(pairs.shape, dtype=np.bool_)
    for r, run in enumerate(found):
        for v, row in enumerate(run):
            pairs[r, v, : row.size], paired[r, v, : row.size] = row, True
    return pairs, paired


def _against_control(bad: Counts, total: Counts) -> Counts:
    """The table of each variant against the live version: `(R, A)` twice to `(R, V, 4)`."""
    control_bad, control = (np.broadcast_to(column[:, :1], column[:, 1:].shape) for column in (bad, total))
    return np.stack([bad[:, 1:], total[:, 1:], control_bad, control], axis=-1)


def _row(values: list[int]) -> Counts:
    return np.array([values], dtype=np.int64)


_ARRIVALS = ("users", "requests", "failures", "at_risk", "failed")
