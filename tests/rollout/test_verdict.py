from __future__ import annotations

import json

from tfx_rollout.analysis import GateEvidence, MetricEvidence, Table, TestEvidence
from tfx_rollout.rollout import Call, Verdict


def test_a_verdict_survives_json_as_it_is():
    tests = (
        TestEvidence("p50", 1.25, Table(1, 10, 40, 90), 4.2, 5.2),
        TestEvidence("p99", 0.1 + 0.2, Table(0, 10, 1, 90)),
    )
    verdict = Verdict(
        Call.ROLLBACK,
        ("The canary failed 9 of 412 requests.",),
        e_value=37.2,
        threshold=20.0,
        metrics={"latency": MetricEvidence("latency", 0.5, 0.7, 12, 3, tests)},
        gates={"time": GateEvidence("time", True, 120.0, 60.0, "It has run for 120 s of at least 60 s.")},
    )
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json(), allow_nan=False))) == verdict


def test_calls_print_as_their_words():
    assert [str(call) for call in Call] == ["hold", "advance", "pass", "rollback", "inconclusive"]
