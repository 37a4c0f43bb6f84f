"""What simulated versions, clients and labels do: the pieces that scenarios are made of. Values only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from tfx_rollout.evidence.histogram import FLOOR_US, GROWTH

GRID = 1 << 14
"""Latencies are drawn from this many equally likely ones: fine enough for the slowest of a thousand."""


@dataclass(frozen=True)
class Latency:
    """Log-normal latencies: median in milliseconds, standard deviation of the natural logarithm.

    The slowest `tail_share` of them take `tail_factor` times as long.
    """

    median_ms: float = 5.0
    sigma: float = 0.6
    tail_share: float = 0.0
    tail_factor: float = 1.0

    def grid_us(self) -> npt.NDArray[np.float64]:
        """`GRID` latencies in microseconds, rising, each as likely as the others: one per quantile."""
        quantiles, normal = _normal_grid()
        slow = np.where(quantiles > 1 - self.tail_share, self.tail_factor, 1.0)
        return 1000 * self.median_ms * np.exp(self.sigma * normal) * slow


@dataclass(frozen=True)
class Behaviour:
    """What a version does to requests: the shares it fails and predicts wrongly, its latency, how often it says which class."""

    failure_rate: float = 0.005
    latency: Latency = Latency()
    wrong_rate: float = 0.10
    classes: tuple[float, ...] = (0.1,) * 10


@dataclass(frozen=True)
class Arrival:
    """When labels come: for `share` of the predictions, after log-normal times with this median and sigma."""

    share: float = 0.6
    median_seconds: float = 120.0
    sigma: float = 0.5

    def shares(self, ages: tuple[float, ...], slower: float = 1.0) -> list[float]:
        """Shares of the predictions whose label comes at each age (`AccuracyTest.ages`); the last entry is the rest, which
        has none in time. `slower` stretches all times."""
        spread = NormalDist(math.log(slower * self.median_seconds), self.sigma) if self.sigma > 0 else None
        by = [spread.cdf(math.log(age)) if spread else float(age >= slower * self.median_seconds) for age in ages]
        upper = [self.share * share for share in by]
        each = [high - low for low, high in zip([0.0, *upper], upper, strict=False)]
        return [*each, 1 - math.fsum(each)]


@dataclass(frozen=True)
class Labels:
    """How the labels of right and of wrong predictions come, the same on both tracks."""

    right: Arrival = Arrival()
    wrong: Arrival = Arrival()
    slower_from: float = math.inf
    """From this time on (seconds since the beginning) labels take `slower` times as long."""
    slower: float = 1.0


@dataclass(frozen=True)
class Incident:
    """A time of trouble that hits both versions: failures multiply, for as long as it lasts (seconds).

    It begins at some time between `earliest` and `latest`, drawn for each run.
    """

    factor: float = 10.0
    lasts: float = 300.0
    earliest: float = 60.0
    latest: float = 1800.0


@dataclass(frozen=True)
class Slowdown:
    """Both versions slow down together: evenly up to `factor` times the latency, after `seconds`; then they stay so."""

    factor: float = 1.3
    seconds: float = 1800.0

    def at(self, now: float) -> float:
        """Times the latency at this time."""
        return 1 + (self.factor - 1) * min(1.0, max(0.0, now / self.seconds))


@dataclass(frozen=True)
class Stalls:
    """Each server stops every so often, for exponential times: what arrives meanwhile is held until it goes on."""

    every_seconds: float = 2.0
    mean_seconds: float = 0.05


@dataclass(frozen=True)
class Users:
    """Clients who stay with the version that they were given.

    Of `number` users with log-normal activity (`sigma`) the share `failing_share` fails on `failing_rate` of its requests
    whatever the version, and the others on the version's own rate.
    """

    number: int = 20_000
    sigma: float = 1.0
    failing_share: float = 0.02
    failing_rate: float = 0.20


@lru_cache(maxsize=1)
def _normal_grid() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    normal = NormalDist()
    quantiles = (np.arange(GRID) + 0.5) / GRID
    return quantiles, np.array([normal.inv_cdf(q) for q in quantiles])


def bucket_positions(latencies_us: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Where latencies lie on the scale of `LatencyHistogram`'s buckets; rounded up they are its buckets."""
    return np.asarray(np.log(latencies_us / FLOOR_US) / math.log(GROWTH))
