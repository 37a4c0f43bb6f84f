from __future__ import annotations

import math

import numpy as np
import pytest

from tfx_rollout.evidence.histogram import bucket_of
from tfx_rollout.rollout.simulation import Arrival, Latency, Slowdown
from tfx_rollout.rollout.simulation.behaviour import bucket_positions


def test_latencies_have_the_quantiles_that_were_asked_for():
    grid = Latency(median_ms=8.0, sigma=0.6).grid_us()
    assert np.quantile(grid, 0.5) == pytest.approx(8_000, rel=1e-3)
    assert np.quantile(grid, 0.99) == pytest.approx(8_000 * math.exp(0.6 * 2.3263), rel=0.01)
    assert (np.diff(grid) > 0).all()


def test_a_slow_tail_leaves_the_rest_as_it_is():
    plain, tail = Latency().grid_us(), Latency(tail_share=0.03, tail_factor=1.5).grid_us()
    slower = tail / plain
    assert slower.max() == pytest.approx(1.5)
    assert (slower > 1).mean() == pytest.approx(0.03, abs=1e-3)


def test_positions_round_up_to_the_buckets_of_the_histogram():
    latencies = np.array([11.0, 500.0, 5_000.0, 123_456.0])
    assert np.ceil(bucket_positions(latencies)).astype(int).tolist() == [bucket_of(latency) for latency in latencies]


def test_labels_are_spread_over_the_ages_and_the_rest_never_comes():
    shares = Arrival(share=0.6, median_seconds=120, sigma=0.5).shares((60, 120, 7200))
    assert math.fsum(shares) == pytest.approx(1)
    assert shares[0] + shares[1] == pytest.approx(0.3)
    assert shares[-1] == pytest.approx(0.4, abs=1e-6)


def test_slower_labels_come_at_later_ages():
    prompt, late = (Arrival().shares((60, 300, 1800), slower) for slower in (1, 5))
    assert late[0] < prompt[0]
    assert late[2] > prompt[2]


def test_labels_that_take_exactly_as_long_as_an_age_come_at_that_age():
    assert Arrival(share=0.6, median_seconds=120, sigma=0.0).shares((120,)) == pytest.approx([0.6, 0.4])


def test_both_versions_slow_down_evenly_and_stay_slow():
    slow = Slowdown(factor=1.3, seconds=100)
    assert [slow.at(now) for now in (-5, 0, 50, 100, 900)] == pytest.approx([1, 1, 1.15, 1.3, 1.3])
