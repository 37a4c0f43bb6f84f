"""Labels that come after their predictions: drawn when the predictions are made, released when their age closes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.simulation.behaviour import Labels

Counts = npt.NDArray[np.int64]

BOTH_WRONG = 0.5
"""Of the predictions that the more accurate version gets wrong, the share that the other one gets wrong too."""


class PendingLabels:
    """What is under way of many runs: tables of labels, of missing labels and of pairs, by the window that they fall due with.

    All windows have the same length, so each age has one window that falls due at a time: `L` is the number of ages.
    """

    def __init__(self, plan: Plan, labels: Labels, runs: int, most_windows: int, rng: np.random.Generator) -> None:
        self._labels, self._ages, self._rng = labels, plan.accuracy.ages, rng
        self._delays = [math.ceil(age / plan.window_seconds) for age in self._ages]
        self._rows = np.arange(runs)
        self._length = min(max(self._delays), most_windows) + 1
        width = len(self._ages)
        self._tables = np.zeros((runs, self._length, width, 4), np.int32)
        self._missing = np.zeros((runs, self._length, 4), np.int32)
        self._pairs = np.zeros((runs, self._length, width, 3), np.int32)

    def predicted(
        self,
        window: int,
        now: float,
        predictions: Counts,
        wrong_rates: npt.NDArray[np.float64],
        copies: npt.NDArray[np.bool_],
    ) -> None:
        """Predictions of this window, (R, 2) canary and stable; `copies` (R,) says where the first are those of a shadow."""
        slower = self._labels.slower if now >= self._labels.slower_from else 1.0
        wrong = self._rng.binomial(predictions, wrong_rates)
        wrong_at = self._rng.multinomial(wrong, self._labels.wrong.shares(self._ages, slower))
        right_at = self._rng.multinomial(predictions - wrong, self._labels.right.shares(self._ages, slower))
        labelled = wrong_at + right_at
        slot = window % self._length
        counts = (wrong_at[:, 0], labelled[:, 0], wrong_at[:, 1], labelled[:, 1])
        side_by_side = np.stack(counts, axis=-1)
        lone = ~copies[:, None, None]
        self._tables[self._rows, slot] = np.where(lone, side_by_side[:, :-1], 0)
        unlabelled = np.stack([labelled[:, 0, -1], predictions[:, 0], labelled[:, 1, -1], predictions[:, 1]], axis=-1)
        self._missing[self._rows, slot] = np.where(lone[:, 0], unlabelled, 0)
        if copies.any():
            self._pairs[self._rows, slot] = np.where(~lone, self._pairs_of(labelled[:, 0, :-1], wrong_rates), 0)

    def due(self, window: int) -> tuple[Counts, Counts, Counts]:
        """What falls due with this window: labels (R, L, 4), missing labels (R, 1, 4), pairs (R, 3)."""
        runs, width = len(self._rows), len(self._ages)
        labels, pairs = np.zeros((runs, width, 4), np.int64), np.zeros((runs, 3), np.int64)
        missing = np.zeros((runs, 1, 4), np.int64)
        for age, delay in enumerate(self._delays):
            if window >= delay and delay < self._length:
                slot = (window - delay) % self._length
                labels[:, age] = self._tables[self._rows, slot, age]
                pairs += self._pairs[self._rows, slot, age]
        last = self._delays[-1]
        if window >= last and last < self._length:
            missing[:, 0] = self._missing[self._rows, (window - last) % self._length]
        return labels, missing, pairs

    def keep(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Go on with these runs only."""
        self._rows = self._rows[chosen]

    def _pairs_of(self, pairs: Counts, wrong_rates: npt.NDArray[np.float64]) -> Counts:
        """Labelled pairs (R, ages) by their outcome: candidate worse, both alike, candidate better."""
        both = BOTH_WRONG * wrong_rates.min(axis=1)
        worse, better = wrong_rates[:, 0] - both, wrong_rates[:, 1] - both
        outcome = np.stack([worse, 1 - worse - better, better], axis=-1)
        return self._rng.multinomial(pairs, outcome[:, None, :])
