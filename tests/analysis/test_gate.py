from __future__ import annotations

import json
import math
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from tfx_rollout.analysis import PassageEvidence, Table, canary_limit_us, log_absolute, max_slow_rate


def clean_requests_needed(log_needed: float, rate: float) -> int:
    return next(n for n in range(10_000) if log_absolute(0, n, rate) >= log_needed)


def test_about_three_hundred_clean_requests_speak_against_one_percent():
    assert 299 <= clean_requests_needed(math.log(20), 0.01) <= 340


def test_without_any_failure_the_joint_evidence_needs_about_400_clean_requests():
    gate = PassageEvidence()
    while gate.log_joint(3.0, 0.01) < math.log(20):
        gate = gate.after(Table(0, 10, 0, 90), 3.0)
    assert 380 <= gate.counts.canary <= 420
    assert gate.log_relative(3.0) == 0  # relative evidence alone would never come


@pytest.mark.parametrize("rate", [0.01, 0.013, 0.3, 0.99])
def test_the_absolute_bet_has_a_mean_of_at_most_one_at_or_above_the_maximum(rate):
    for requests in (1, 7, 120):
        values = [math.exp(log_absolute(x, requests, 0.01)) for x in range(requests + 1)]
        mean = float(np.dot(binom.pmf(range(requests + 1), requests, rate), values))
        assert mean <= 1 + 1e-9
        if rate == 0.01:
            assert mean == pytest.approx(1)


def test_a_canary_at_the_maximum_rate_ever_passes_in_less_than_beta_of_all_stages():
    rng, runs = np.random.default_rng(3), 1500
    failures = np.cumsum(rng.binomial(20, 0.01, size=(runs, 150)), axis=1)
    evidence = cache(log_absolute)
    reached = [any(evidence(int(x), 20 * (i + 1), 0.01) >= math.log(20) for i, x in enumerate(row)) for row in failures]
    assert np.mean(reached) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_a_canary_that_is_bad_in_both_senses_ever_passes_in_less_than_beta_of_all_stages():
    """1 % failures against odds a third of it, share 50 %, 120 looks: exactly at both margins."""
    rng, runs, passed = np.random.default_rng(5), 200, 0
    odds = 0.01 / 0.99 / 3
    for _ in range(runs):
        gate = PassageEvidence()
        for x, y in zip(rng.binomial(30, 0.01, 120), rng.binomial(30, odds / (1 + odds), 120), strict=True):
            gate = gate.after(Table(int(x), 30, int(y), 30), 3.0)
            if gate.log_joint(3.0, 0.01) >= math.log(20):
                passed += 1
                break
    assert passed / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_failures_that_stable_has_too_do_not_block_a_canary_above_the_maximum_rate():
    gate = PassageEvidence()
    for _ in range(40):
        gate = gate.after(Table(1, 40, 9, 360), 3.0)
    assert gate.log_absolute(0.01) < 0 < math.log(20) < gate.log_joint(3.0, 0.01)


def test_only_odds_ratios_below_the_margin_are_bet_on():
    gate = PassageEvidence().after(Table(3, 50, 3, 50), 1.1)
    assert gate.log_relative(1.1) <= max(gate.relative[:3])


def test_a_json_round_trip_keeps_every_bit():
    gate = PassageEvidence().after(Table(1, 40, 9, 361), 2.97).after(Table(0, 39, 7, 340), 2.97)
    assert PassageEvidence.from_json(json.loads(json.dumps(gate.to_json()))) == gate


def test_the_slack_matters_for_fast_answers_and_the_ratio_for_slow_ones():
    assert canary_limit_us(2_000, 1.1, 1.0) == 3_000
    assert canary_limit_us(100_000, 1.1, 1.0) == pytest.approx(110_000)


def test_the_slow_rate_that_is_bad_follows_from_the_quantile_and_the_odds_ratio():
    assert max_slow_rate(0.99, 1.0) == pytest.approx(0.01)
    assert max_slow_rate(0.99, 3.0) == pytest.approx(3 / 102)
    assert max_slow_rate(0.90, 10.0) == pytest.approx(10 / 19)
