"""Simulated evidence: the windows of many runs of one scenario, drawn together.

What it does not simulate: servers, loading, and requests of one client that depend on each other (unless the scenario is sticky).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tfx_rollout.evidence.histogram import FLOOR_US, GROWTH
from tfx_rollout.rollout.judge import BEFORE, WindowBatch
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.simulation.arrivals import Arrivals, IndependentRequests, Source, StickyUsers
from tfx_rollout.rollout.simulation.behaviour import GRID, bucket_positions
from tfx_rollout.rollout.simulation.labels import PendingLabels
from tfx_rollout.rollout.simulation.scenario import Scenario
from tfx_rollout.traffic import Track

Counts = npt.NDArray[np.int64]
SLOWER = 30.0
"""Latencies are told apart up to this many times the slowest one of the grid."""


class Traffic:
    """Windows of `runs` runs, one call of `window` after the other. The same `rng` gives the same windows.

    `most_seconds` is how long it will be used at most: labels that fall due later are not kept.
    """

    def __init__(
        self, scenario: Scenario, plan: Plan, *, rps: float, runs: int, most_seconds: float, rng: np.random.Generator
    ) -> None:
        self._scenario, self._plan, self._rng = scenario, plan, rng
        self._rps = scenario.rps(rps)
        self._number = 0
        self._shares = np.array([*(stage.split.share(Track.CANARY) for stage in plan.stages), 0.0])
        self._mirrors = np.array([*(stage.mirror if stage.kind == "shadow" else 0.0 for stage in plan.stages), 0.0])
        self._source: Source = (
            StickyUsers(plan, scenario.users, runs, rng) if scenario.users else IndependentRequests(plan, scenario.stalls, rng)
        )
        self._labels = PendingLabels(plan, scenario.labels, runs, math.ceil(most_seconds / plan.window_seconds), rng)
        incident = scenario.incident
        self._incident_at = rng.uniform(incident.earliest, incident.latest, runs) if incident else np.full(runs, np.inf)
        self._positions = np.stack([bucket_positions(b.latency.grid_us()) for b in (scenario.stable, scenario.canary)])
        self._buckets = math.ceil(self._positions.max() + math.log(SLOWER) / math.log(GROWTH))

    def window(self, stages: Counts) -> WindowBatch:
        """The next window, with these stages (R,) in force; `BEFORE` where there is none yet and the candidate gets nothing."""
        number, seconds = self._number, self._plan.window_seconds
        start, end = number * seconds, (number + 1) * seconds
        self._number += 1
        share = self._shares[stages]
        worse = (share >= self._scenario.from_share) & (stages != BEFORE)
        mirror = self._mirrors[stages]
        arrivals = self._source.draw(self._rps, share, mirror, stages, self._failure_rates(worse, (start + end) / 2))
        wrong_rates = _of_tracks(worse, self._scenario.stable.wrong_rate, self._scenario.canary.wrong_rate)
        self._labels.predicted(number, start, arrivals.predicted, wrong_rates, mirror > 0)
        labels, missing, pairs = self._labels.due(number)
        return WindowBatch(
            number=number,
            start=start,
            end=end,
            share=share,
            requests=arrivals.requests,
            failures=arrivals.failures,
            units=arrivals.units,
            unit_failures=arrivals.unit_failures,
            latency=self._latency(arrivals, worse, (start + end) / 2),
            predictions=self._predictions(arrivals.predicted, worse),
            labels=labels,
            missing=missing,
            pairs=pairs,
        )

    def keep(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Go on with these runs only."""
        self._source.keep(chosen)
        self._labels.keep(chosen)
        self._incident_at = self._incident_at[chosen]

    def _failure_rates(self, worse: npt.NDArray[np.bool_], now: float) -> npt.NDArray[np.float64]:
        rates = _of_tracks(worse, self._scenario.stable.failure_rate, self._scenario.canary.failure_rate)
        incident = self._scenario.incident
        if incident is None:
            return rates
        within = (self._incident_at <= now) & (now < self._incident_at + incident.lasts)
        return np.minimum(1.0, rates * np.where(within, incident.factor, 1.0)[:, None])

    def _latency(self, arrivals: Arrivals, worse: npt.NDArray[np.bool_], now: float) -> Counts:
        """Timed answers by bucket, (R, 2, B)."""
        runs = len(worse)
        owner = np.repeat(np.arange(2 * runs), arrivals.timed.ravel())
        version = np.stack([worse, np.zeros(runs, bool)], axis=1).ravel().astype(np.intp)
        slower = self._scenario.slowdown.at(now) if self._scenario.slowdown else 1.0
        draws = self._rng.integers(0, GRID, len(owner), dtype=np.uint16)
        if arrivals.delays_ms is None:
            buckets = self._bucket(self._positions + math.log(slower) / math.log(GROWTH))[version[owner], draws]
        else:
            latencies = FLOOR_US * np.exp(self._positions[version[owner], draws] * math.log(GROWTH)) * slower
            buckets = self._bucket(bucket_positions(latencies + 1000 * arrivals.delays_ms))
        counts = np.bincount(owner * self._buckets + buckets, minlength=2 * runs * self._buckets)
        return counts.reshape(runs, 2, self._buckets)

    def _bucket(self, positions: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        return np.clip(np.ceil(positions - 1e-9), 0, self._buckets - 1).astype(np.intp)

    def _predictions(self, predicted: Counts, worse: npt.NDArray[np.bool_]) -> Counts:
        """Predictions by class, (R, 2, K)."""
        classes = np.array([self._scenario.stable.classes, self._scenario.canary.classes])
        return np.stack(
            [
                self._rng.multinomial(predicted[:, 0], classes[worse.astype(np.intp)]),
                self._rng.multinomial(predicted[:, 1], classes[0]),
            ],
            axis=1,
        )


def _of_tracks(worse: npt.NDArray[np.bool_], stable: float, canary: float) -> npt.NDArray[np.float64]:
    """A rate of each track, (R, 2): the candidate is worse in some runs only."""
    return np.stack([np.where(worse, canary, stable), np.full(len(worse), stable)], axis=1)
