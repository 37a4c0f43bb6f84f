from __future__ import annotations

import json

import numpy as np

from tfx_rollout.analysis import GateEvidence, GuardEvidence, MetricEvidence, Table, TestEvidence
from tfx_rollout.evidence import LatencyHistogram, TrackCounts, Window
from tfx_rollout.evidence.window import LabelCounts, MissingLabels
from tfx_rollout.rollout import Call, Verdict, begin, judge, open_stage, plan_from_dict
from tfx_rollout.traffic import Track


def test_a_verdict_survives_json_as_it_is():
    tests = (
        TestEvidence("p50", 1.25, Table(1, 10, 40, 90), 4.2, 5.2),
        TestEvidence("p99", 0.1 + 0.2, Table(0, 10, 1, 90)),
    )
    verdict = Verdict(
        Call.ASK,
        ("The canary failed 9 of 412 requests.",),
        e_value=37.2,
        threshold=20.0,
        metrics={"latency": MetricEvidence("latency", 0.5, 0.7, 12, 3, tests)},
        gates={"time": GateEvidence("time", True, 120.0, 60.0, "It has run for 120 s of at least 60 s.")},
        guards={"split": GuardEvidence("split", True, 2000.0, 1000.0, "The canary got 12 of 20 requests.")},
        flagged=("latency",),
        asking=("split",),
        remaining="about 4 more minutes at this rate",
    )
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json(), allow_nan=False))) == verdict


def test_calls_print_as_their_words():
    assert [str(call) for call in Call] == ["hold", "advance", "pass", "rollback", "inconclusive", "ask"]


def test_a_test_gives_the_interval_of_its_odds_ratio_when_asked():
    low, high = TestEvidence("errors", 1.0, Table(30, 1000, 90, 9000)).odds_ratio_interval()
    assert 1 < low < 3 < high < 7


def test_with_all_metrics_and_ten_classes_verdict_and_state_stay_small():
    rng = np.random.default_rng(1)
    stages = [{"share": 0.01 * 2**i} for i in range(6)]
    plan = plan_from_dict({"stages": stages, "limits": {"failure_rate": 0.02, "p99_ms": 40, "throughput_rps": 10}})
    state, largest = begin(plan), 0
    for number in range(60):
        if number % 10 == 0:
            state = open_stage(plan, state, number // 10, at=10.0 * number)
        tracks = {}
        for track, requests in ((Track.CANARY, 20_000), (Track.STABLE, 400_000)):
            latency = LatencyHistogram.of(rng.lognormal(8, 1, 500))
            predictions = {f"class {i}": int(n) for i, n in enumerate(rng.multinomial(requests, [0.1] * 10))}
            tracks[track] = TrackCounts(
                requests, 99, units=requests, unit_failures=99, unit_latency=latency, predictions=predictions
            )
        labels = tuple(LabelCounts(number, age, 99, 2000, 1001, 40_000) for age in range(4))
        missing = (MissingLabels(number, 8000, 20_000, 160_000, 400_000),)
        split = plan.stages[state.stage].split
        one = Window(number, 10.0 * number, 10.0 * number + 10, split, tracks, labels=labels, missing_labels=missing)
        state, verdict = judge(plan, state, one)
        largest = max(largest, len(json.dumps(verdict.to_json(), separators=(",", ":"))))  # as it is journaled
    assert sum(len(metric.tests) for metric in verdict.metrics.values()) == 28
    assert largest <= 6.5 * 1024
    assert len(json.dumps(state.to_json())) <= 64 * 1024
