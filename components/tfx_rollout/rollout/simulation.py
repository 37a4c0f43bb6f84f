"""The very judge on simulated traffic: how a plan decides, how long it takes, and what it costs.

Requests come in at a steady rate and each draws its track, as at the gateway. What it does not
simulate: servers, the time that a change of the split takes, and correlation between requests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tfx_rollout.evidence import LatencyHistogram, TrackCounts, Window
from tfx_rollout.evidence.histogram import bucket_of, upper_us
from tfx_rollout.rollout.judge import Call, begin, judge, open_stage
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.traffic import Track

Decision = Literal["promoted", "rolled_back", "undecided"]


@dataclass(frozen=True)
class Latency:
    """Log-normal latencies: median in milliseconds, standard deviation of the natural logarithm."""

    median_ms: float = 5.0
    sigma: float = 0.6

    def bucket_shares(self) -> npt.NDArray[np.float64]:
        """The share of each bucket of `LatencyHistogram`, from bucket 0 on, adding up to 1."""
        last = bucket_of(1000 * self.median_ms * math.exp(5 * self.sigma))
        edges = [(math.log(upper_us(bucket) / 1000 / self.median_ms)) / self.sigma for bucket in range(last)]
        below = np.array([0.0, *(0.5 * math.erfc(-edge / math.sqrt(2)) for edge in edges), 1.0])
        return np.diff(below)


@dataclass(frozen=True)
class Behaviour:
    """What a version does to requests: the share it fails, and how long it takes."""

    failure_rate: float = 0.0
    latency: Latency = Latency()


@dataclass(frozen=True)
class Simulated:
    """How one simulated rollout ended. `seconds` is the time of the last window that was judged."""

    decision: Decision
    seconds: float
    stage_seconds: tuple[float, ...]
    """Seconds spent in each stage, the last one included."""
    canary_requests: int
    canary_failures: int
    raising_windows: int
    """Windows that raised the evidence of either metric (the larger count)."""


def simulate(plan: Plan, stable: Behaviour, canary: Behaviour, *, rps: float, seed: int, most_seconds: float) -> Simulated:
    """One rollout at `rps` requests per second; undecided when `most_seconds` pass or a stage is inconclusive."""
    rng = np.random.default_rng(seed)
    shares = {Track.STABLE: stable.latency.bucket_shares(), Track.CANARY: canary.latency.bucket_shares()}
    rates = {Track.STABLE: stable.failure_rate, Track.CANARY: canary.failure_rate}
    state = open_stage(plan, begin(plan), 0, at=0.0)
    decision: Decision = "undecided"
    number, now, entered, spent, served, failed = 0, 0.0, 0.0, [], 0, 0
    while decision == "undecided" and now < most_seconds:
        split = plan.stages[state.stage].split
        requests = int(rng.poisson(rps * plan.window_seconds))
        on_canary = int(rng.binomial(requests, split.share(Track.CANARY)))
        counts = {
            track: _counts(rng, n, rates[track], shares[track])
            for track, n in ((Track.CANARY, on_canary), (Track.STABLE, requests - on_canary))
        }
        served, failed = served + on_canary, failed + counts[Track.CANARY].failures
        state, verdict = judge(plan, state, Window(number, now, now + plan.window_seconds, split, counts))
        number, now = number + 1, now + plan.window_seconds
        if verdict.call is Call.ADVANCE:
            spent.append(now - entered)
            entered, state = now, open_stage(plan, state, state.stage + 1, at=now)
        elif verdict.call is Call.PASS:
            decision = "promoted"
        elif verdict.call is Call.ROLLBACK:
            decision = "rolled_back"
        elif verdict.call is Call.INCONCLUSIVE:
            break
    return Simulated(decision, now, (*spent, now - entered), served, failed, max(state.raised.values()))


def _counts(rng: np.random.Generator, requests: int, rate: float, shares: npt.NDArray[np.float64]) -> TrackCounts:
    failures = int(rng.binomial(requests, rate))
    buckets = rng.multinomial(requests, shares)
    latency = LatencyHistogram({int(b): int(buckets[b]) for b in np.flatnonzero(buckets)})
    return TrackCounts(requests, failures, 0, {"OK": requests - failures, "UNKNOWN": failures}, latency)
