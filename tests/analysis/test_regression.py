from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.analysis import EFFECTS, answers, log_mixture, start_weights, worse


def evidence(tables: np.ndarray, starts: list[int], tolerance: float = 1.25) -> np.ndarray:
    """The evidence after each of the windows `(W, R, 4)`, with a start at each of these windows: `(W, R)`."""
    (bets,) = answers(worse(tables, tolerance))
    logs = np.zeros((*tables.shape[:2], len(starts), len(EFFECTS)))
    for column, start in enumerate(starts):
        logs[start:, :, column] = np.cumsum(bets[start:], axis=0)
    return log_mixture(logs)


def test_nothing_seen_is_an_evidence_of_one():
    assert log_mixture(np.zeros((4, len(EFFECTS)))) == 0
    assert log_mixture(np.zeros((10, 7, len(EFFECTS)))).tolist() == [0.0] * 10


def test_the_evidence_is_the_mean_over_effects_and_starting_stages():
    (bets,) = answers(worse([[2, 10, 0, 90]], 1.25))
    bets = bets[0]
    both = np.stack([bets, np.zeros_like(bets)])
    assert math.exp(log_mixture(both)) == pytest.approx((np.exp(bets).mean() + 1) / 2)


def test_half_is_staked_on_the_first_start_and_all_of_it_on_the_only_one():
    assert start_weights(1).tolist() == [1.0]
    for starts in (2, 5, 8):
        weights = start_weights(starts)
        assert weights[0] == 0.5
        assert weights.sum() == pytest.approx(1)
        assert len(set(weights[1:].tolist())) == 1


def test_weights_may_be_given():
    logs = np.log([[1.0, 2.0], [3.0, 4.0]])
    assert math.exp(log_mixture(logs, [[0.1, 0.2], [0.3, 0.4]])) == pytest.approx(0.1 + 0.4 + 0.9 + 1.6)


def test_a_later_start_does_not_carry_the_good_record_of_earlier_stages():
    tables = np.array([[[0, 50, 4, 50]]] * 30 + [[[6, 50, 1, 50]]] * 8)
    drowned, seen = evidence(tables, [0])[-1, 0], evidence(tables, [0, 30])[-1, 0]
    assert math.exp(drowned) < 1 < 20 < math.exp(seen)


@given(st.integers(1, 30), st.integers(1, 6))
def test_an_elements_bits_do_not_depend_on_the_batch(runs, starts):
    logs = np.random.default_rng(runs).normal(0, 5, (runs, 3, starts, len(EFFECTS)))
    together = log_mixture(logs)
    for run in range(runs):
        assert log_mixture(logs[run]).tobytes() == together[run].tobytes()
        assert log_mixture(logs[run, 1]).tobytes() == together[run, 1].tobytes()


def test_false_alarms_stay_below_alpha_at_the_edge_of_the_tolerance_under_an_incident_and_a_ramp():
    """Odds ratio 1.25 throughout, error rates from 0.5 % to 10 %, shares 5, 25 and 50 %, a look after each of 45 windows."""
    rng, runs, window = np.random.default_rng(11), 1500, np.arange(45)
    rate = np.where((window >= 18) & (window < 24), 0.10, 0.005)[:, None]
    canary_rate = 1 / (1 + (1 - rate) / (1.25 * rate))
    canary = rng.binomial(200, np.array([0.05, 0.25, 0.5])[window // 15][:, None], (45, runs))
    tables = np.stack([rng.binomial(canary, canary_rate), canary, rng.binomial(200 - canary, rate), 200 - canary], axis=-1)
    alarms = (evidence(tables, [0, 15, 30]) >= math.log(20)).any(axis=0)
    assert alarms.mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize(("rate", "minutes"), [(0.025, 13.0), (0.1, 1.8)])
def test_worse_canaries_are_found_in_time(rate, minutes):
    """50 requests/s, 15 s windows, shares 1, 5, 25 and 50 % for 10 minutes each, errors beside 0.5 %, one of four metrics."""
    rng, runs = np.random.default_rng(4), 200
    n = rng.poisson(750, (160, runs))
    canary = rng.binomial(n, np.repeat([0.01, 0.05, 0.25, 0.5], 40)[:, None])
    tables = np.stack([rng.binomial(canary, rate), canary, rng.binomial(n - canary, 0.005), n - canary], axis=-1)
    found = evidence(tables, [0, 40, 80, 120]) >= math.log(80)
    assert found.any(axis=0).all()
    assert np.median(found.argmax(axis=0) + 1) / 4 <= minutes
