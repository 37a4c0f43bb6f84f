"""Requests are slow together: how far apart must they be for each to count for itself?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx_rollout.analysis import QUANTILES, answers, canary_limit_us, log_mixture, log_weighted_mean, worse

RUNS, SECONDS, WINDOW = 60, 1200, 10
RATE = 60.0
"""Requests per second of each track."""


def served(rng: np.random.Generator, stall_ms: float, every_seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Starts in seconds and latencies in milliseconds on a server that stands still now and then, as what it holds does."""
    start = np.sort(rng.uniform(0, SECONDS, rng.poisson(RATE * SECONDS)))
    latency = 5 * np.exp(0.6 * rng.normal(size=start.size))
    begin = np.sort(rng.uniform(0, SECONDS, rng.poisson(SECONDS / every_seconds)))
    end = np.maximum.accumulate(begin + rng.exponential(stall_ms / 1000, begin.size))
    last = np.maximum(np.searchsorted(begin, start, side="right") - 1, 0)
    return start, latency + 1000 * np.where(begin[last] <= start, np.maximum(end[last] - start, 0), 0)


def windows(start: np.ndarray, latency: np.ndarray, spacing: float) -> list[np.ndarray]:
    """The latencies of each window: of all answers, or of the first in each slot."""
    if spacing:
        _, first = np.unique(np.floor(start / spacing), return_index=True)
        start, latency = start[first], latency[first]
    return np.split(latency, np.searchsorted(start, np.arange(WINDOW, SECONDS, WINDOW)))


def slow(canary: list[np.ndarray], stable: list[np.ndarray]) -> np.ndarray:
    """Slow answers of the two tracks `(W, 3, 4)`, against limits from the first five of stable's windows."""
    limits = np.quantile(np.concatenate(stable[:5]), QUANTILES)
    own = canary_limit_us(limits, 1.1, 0.0)
    return np.array(
        [
            [[(x > b).sum(), x.size, (y > a).sum(), y.size] for a, b in zip(limits, own, strict=True)]
            for x, y in zip(canary[5:], stable[5:], strict=True)
        ]
    )


def false_alarms(spacing: float, stall_ms: float, every_seconds: float) -> float:
    """The share of runs in which one of two equal servers is ever called slower than the other."""
    rng = np.random.default_rng(1)
    tables = np.stack(
        [slow(*(windows(*served(rng, stall_ms, every_seconds), spacing) for _ in range(2))) for _ in range(RUNS)], axis=1
    )
    (bets,) = answers(worse(tables, 1.0))
    logs = np.cumsum(bets, axis=0)
    evidence = log_weighted_mean(log_mixture(logs[..., None, :]), np.ones(len(QUANTILES)))
    return float((evidence >= math.log(20)).any(axis=0).mean())


def test_all_requests_taken_for_themselves_would_break_alpha():
    assert false_alarms(0.0, 50, 2) > 0.15


@pytest.mark.parametrize(("spacing", "stall_ms", "every_seconds"), [(0.1, 50, 2), (0.25, 200, 10)])
def test_one_answer_for_each_slot_keeps_to_alpha_where_slots_are_longer_than_stalls(spacing, stall_ms, every_seconds):
    assert false_alarms(spacing, stall_ms, every_seconds) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)
