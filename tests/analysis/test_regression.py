from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tfx_rollout.analysis import EFFECTS, RegressionEvidence, Table, e_value, log_mean, request_bets


def after(evidence: RegressionEvidence, *tables: Table) -> RegressionEvidence:
    for table in tables:
        evidence = evidence.after(table, request_bets(table, 1.25))
    return evidence


def test_nothing_seen_is_an_evidence_of_one():
    assert RegressionEvidence.none_yet(4).log_e_value == 0
    assert RegressionEvidence.none_yet(4).opened(0).log_e_value == 0


def test_the_evidence_is_the_mean_over_effects_and_starting_stages():
    evidence = after(RegressionEvidence.none_yet(2).opened(0), Table(2, 10, 0, 90))
    product = np.exp(request_bets(Table(2, 10, 0, 90), 1.25)).mean()
    assert math.exp(evidence.log_e_value) == pytest.approx((product + 1) / 2)


def test_a_later_start_does_not_carry_the_good_record_of_earlier_stages():
    good, bad = [Table(0, 50, 4, 50)] * 30, [Table(6, 50, 1, 50)] * 8
    drowned = after(RegressionEvidence.none_yet(1).opened(0), *good, *bad)
    seen = after(after(RegressionEvidence.none_yet(2).opened(0), *good).opened(1), *bad)
    assert e_value(drowned.log_e_value) < 1 < 20 < e_value(seen.log_e_value)


def test_opening_a_stage_twice_does_not_restart_its_evidence():
    evidence = after(RegressionEvidence.none_yet(2).opened(0), Table(0, 10, 3, 90))
    assert evidence.opened(0) == evidence


def test_a_json_round_trip_keeps_every_bit():
    evidence = after(RegressionEvidence.none_yet(3).opened(0), Table(2, 13, 5, 91), Table(1, 17, 0, 85))
    assert RegressionEvidence.from_json(json.loads(json.dumps(evidence.to_json()))) == evidence


def test_false_alarms_stay_below_alpha_at_the_edge_of_the_tolerance_under_an_incident_and_a_ramp():
    """Odds ratio 1.25 throughout, error rates from 0.5 % to 10 %, shares 5, 25 and 50 %, a look after each of 45 windows."""
    rng, runs, alarms = np.random.default_rng(11), 300, 0
    for _ in range(runs):
        evidence = RegressionEvidence.none_yet(3)
        worst = 0.0
        for window in range(45):
            stage = window // 15
            evidence = evidence.opened(stage)
            rate = 0.10 if 18 <= window < 24 else 0.005
            canary_rate = 1 / (1 + (1 - rate) / (1.25 * rate))
            canary = rng.binomial(200, (0.05, 0.25, 0.5)[stage])
            table = Table(rng.binomial(canary, canary_rate), canary, rng.binomial(200 - canary, rate), 200 - canary)
            evidence = after(evidence, table)
            worst = max(worst, evidence.log_e_value)
        alarms += worst >= math.log(20)
    assert alarms / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_means_are_taken_without_overflow():
    assert log_mean([2000.0, 0.0]) == pytest.approx(2000 - math.log(2))
    assert log_mean([-math.inf, 0.0]) == pytest.approx(-math.log(2))
    assert log_mean([5.0, 900.0], [1.0, 0.0]) == 5.0
    assert math.isfinite(e_value(1e6))


def test_effects_are_above_the_tolerance():
    assert all(effect > 1 for effect in EFFECTS)
