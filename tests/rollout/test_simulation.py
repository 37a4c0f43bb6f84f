from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tfx_rollout.evidence import LatencyHistogram
from tfx_rollout.rollout import load_plan
from tfx_rollout.rollout.simulation import Behaviour, Latency, Simulated, simulate

DEMO = load_plan("demo")
FAST = Latency(median_ms=4.0, sigma=0.5)
SOUND = Behaviour(latency=FAST)


def runs(canary: Behaviour, n: int, stable: Behaviour = SOUND, most_seconds: float = 300) -> list[Simulated]:
    return [simulate(DEMO, stable, canary, rps=120, seed=seed, most_seconds=most_seconds) for seed in range(n)]


def share(found: list[Simulated], decision: str) -> float:
    return sum(run.decision == decision for run in found) / len(found)


def test_the_demo_plan_promotes_a_sound_canary_in_about_a_minute():
    found = runs(SOUND, 60)
    assert share(found, "promoted") >= 0.98
    assert 45 <= np.median([run.seconds for run in found]) <= 90


@pytest.mark.parametrize("rate", [0.010, 0.014])
def test_the_demo_plan_rolls_back_a_canary_that_fails_on_about_one_percent(rate):
    found = runs(Behaviour(rate, FAST), 120)
    assert share(found, "rolled_back") >= 0.98
    assert share(found, "promoted") == 0
    assert all(run.raising_windows >= 2 for run in found)
    assert np.median([run.canary_failures for run in found]) <= 5


def test_false_rollbacks_keep_to_alpha_when_both_versions_fail_alike():
    failing = Behaviour(0.005, FAST)
    found = runs(failing, 40, stable=failing, most_seconds=120)
    assert share(found, "rolled_back") <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 40)


def test_half_the_requests_failing_is_seen_within_two_windows():
    found = runs(Behaviour(0.5, FAST), 40)
    assert max(run.seconds for run in found) <= 2 * DEMO.window_seconds


def test_a_canary_slower_than_the_slack_is_rolled_back():
    quick = replace(DEMO, latency=replace(DEMO.latency, slack_ms=0.0))
    slow = Behaviour(latency=replace(FAST, median_ms=6.0))
    found = [simulate(quick, SOUND, slow, rps=120, seed=seed, most_seconds=300) for seed in range(20)]
    assert share(found, "rolled_back") == 1


def test_a_simulation_is_repeatable_and_stops_at_its_limit():
    failing = Behaviour(0.004, FAST)
    one, again = (simulate(DEMO, failing, failing, rps=5, seed=3, most_seconds=30) for _ in range(2))
    assert one == again
    assert (one.decision, one.seconds, one.stage_seconds) == ("undecided", 30.0, (30.0,))


def test_latencies_are_drawn_from_the_distribution_that_was_asked_for():
    shares = Latency(median_ms=8.0, sigma=0.6).bucket_shares()
    assert shares.sum() == pytest.approx(1)
    histogram = LatencyHistogram({bucket: round(1e6 * p) for bucket, p in enumerate(shares) if p > 1e-6})
    assert histogram.quantile(0.5) == pytest.approx(8_000, rel=0.05)
    assert histogram.quantile(0.99) == pytest.approx(8_000 * math.exp(0.6 * 2.326), rel=0.06)
