"""Many A/B tests at once, on simulated users, judged by the judge itself: how often it errs, and how many users it takes.

Each window so many users come, each is drawn to an arm by the plan's shares and counts once, as in a live test. What is common to
all arms may change from window to window (`Course.trend`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_rollout.experiment.judge import (
    BETTER,
    HARMFUL,
    OPEN,
    WORSE,
    ArrivalBatch,
    OutcomeBatch,
    begin_many,
    decided,
    findings,
    fold_arrivals,
    fold_outcomes,
    paired_columns,
)
from tfx_rollout.experiment.judge.ledger import ExperimentLedger
from tfx_rollout.experiment.plan import ExperimentPlan
from tfx_rollout.traffic import Track

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def steady(window: int) -> float:
    """Nothing changes."""
    return 1.0


@dataclass(frozen=True)
class Course:
    """What happens in the simulated tests."""

    levels: tuple[float, ...]
    """By arm, the live version first: the chance of a yes, or the mean of the numbers, on the metric's own scale."""
    users_per_window: int = 200
    windows: int = 100
    trend: Callable[[int], float] = steady
    """What the levels are multiplied by in each window, on all arms alike."""
    spread: float = 1.0
    """Standard deviation of the numbers before they are cut at the bounds."""
    says: float = 1.0
    """The chance that a user gives any feedback, where that is not itself the outcome."""
    failures: tuple[float, ...] = ()
    """By arm, the chance that a new user has a failed request; none fails by default."""


@dataclass(frozen=True)
class SimulatedTests:
    """What became of R tests with V variants. A test ends with the first variant that is better, or without any left."""

    state: Counts
    """The last state of each variant, a code of `judge.STATES`: (R, V)."""
    window: Counts
    """After which window that was decided; 0 where it was not: (R, V)."""
    ended: Counts
    """After which window each test ended; 0 where it did not: (R,)."""

    @property
    def decided(self) -> npt.NDArray[np.bool_]:
        """Of which variants anything was decided by the metric: (R, V)."""
        return (self.state == BETTER) | (self.state == WORSE)


def simulate(plan: ExperimentPlan, course: Course, *, runs: int, seed: int) -> SimulatedTests:
    """Runs many tests; the same for the same seed."""
    rng = np.random.default_rng(seed)
    shares = np.array([plan.split.share(track) for track in (Track.STABLE, *plan.tracks)])
    ledger = begin_many(plan, runs, interval=False)
    window_of, ended = np.zeros(ledger.state.shape, np.int64), np.zeros(runs, np.int64)
    for number in range(1, course.windows + 1):
        users = rng.multinomial(course.users_per_window, shares, size=runs)
        after = _one_window(plan, course, ledger, number, users, rng)
        state = np.where((ended > 0)[:, None], ledger.state, decided(plan, after, findings(plan, after)))
        window_of = np.where((state != ledger.state) & (window_of == 0), number, window_of)
        over = (state == BETTER).any(axis=1) | (state != OPEN).all(axis=1)
        ended = np.where(over & (ended == 0), number, ended)
        ledger = after.change(state=state)
    return SimulatedTests(ledger.state, window_of, ended)


def _one_window(
    plan: ExperimentPlan, course: Course, ledger: ExperimentLedger, number: int, users: Counts, rng: np.random.Generator
) -> ExperimentLedger:
    left = np.concatenate([np.ones((len(users), 1), np.bool_), ledger.state == OPEN], axis=1)
    users = np.where(left, users, 0)  # who would have come to a variant that was dropped is nobody's, which changes nothing
    numbers = np.full(len(users), number)
    failed = rng.binomial(users, np.array(course.failures or [0.0] * users.shape[1]))
    shares = np.broadcast_to(np.array([plan.split.share(track) for track in (Track.STABLE, *plan.tracks)]), users.shape)
    after = fold_arrivals(plan, ledger, ArrivalBatch(numbers, shares, users, users, failed, users, failed))
    counted = users if plan.metric.kind == "event" else rng.binomial(users, course.says)
    levels = np.array(course.levels) * course.trend(number)
    if plan.metric.kind == "number":
        values = [[_numbers(plan, course, level, n, rng) for level, n in zip(levels, run, strict=True)] for run in counted]
        pairs, paired = paired_columns(plan, values)
        sums, positives = np.array([[float(arm.sum()) for arm in run] for run in values]), np.zeros_like(counted)
    else:
        positives = rng.binomial(counted, np.clip(levels, 0, 1))
        pairs, paired = paired_columns(plan, [[] for _ in users])
        sums = np.zeros(counted.shape)
    return fold_outcomes(plan, after, OutcomeBatch(numbers, users, counted, positives, sums, pairs, paired))


def _numbers(plan: ExperimentPlan, course: Course, level: float, n: int, rng: np.random.Generator) -> Floats:
    assert plan.metric.low is not None
    assert plan.metric.high is not None
    return np.clip(rng.normal(level, course.spread, n), plan.metric.low, plan.metric.high)


__all__ = ["BETTER", "HARMFUL", "OPEN", "WORSE", "Course", "SimulatedTests", "simulate", "steady"]
