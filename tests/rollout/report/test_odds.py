from __future__ import annotations

import json

import pytest

from tfx_rollout.analysis import MetricEvidence, Table, TestEvidence
from tfx_rollout.rollout import Call, Verdict
from tfx_rollout.rollout.report.odds import with_odds_ratios
from tfx_rollout.rollout.report.wording import compared


def verdict(*tests: TestEvidence, metric: str = "errors", blamed: bool = True) -> Verdict:
    metrics = {metric: MetricEvidence(metric, 1.0, 30.0, 9, 5, tests)}
    return Verdict(Call.ROLLBACK, ("bad",), e_value=30.0, threshold=20.0, metrics=metrics, flagged=(metric,) if blamed else ())


def test_only_the_leading_test_of_a_metric_to_blame_says_how_large_the_difference_is():
    tests = (
        TestEvidence("p50", 2.0, Table(30, 1000, 90, 9000)),
        TestEvidence("p90", 50.0, Table(30, 1000, 90, 9000)),
        TestEvidence("p99", 3.0, Table(9, 1000, 9, 9000)),
    )
    found = with_odds_ratios(verdict(*tests, metric="latency"))
    assert [test.pop("odds_ratio", None) for test in found["metrics"]["latency"]["tests"]] == [
        None,
        list(tests[1].odds_ratio_interval()),
        None,
    ]
    assert found == verdict(*tests, metric="latency").to_json()
    passed = verdict(*tests, blamed=False)
    assert with_odds_ratios(passed) == passed.to_json()


@pytest.mark.parametrize(
    "test",
    [TestEvidence("failure_rate", 30.0, Table(9, 100, 0, 0)), TestEvidence("pairs", 30.0, Table(40, 200, 4, 200))],
)
def test_a_test_that_compares_no_two_groups_of_requests_has_none(test):
    blamed = verdict(test)
    assert with_odds_ratios(blamed) == blamed.to_json()


def test_an_interval_without_an_upper_end_is_json_and_is_said_so():
    found = with_odds_ratios(verdict(TestEvidence("errors", 30.0, Table(60, 1000, 0, 1000))))
    (test,) = json.loads(json.dumps(found, allow_nan=False))["metrics"]["errors"]["tests"]
    low, high = test["odds_ratio"]
    assert low > 2
    assert high is None
    assert compared(test).endswith(f"odds ratio {low:.3g} or more")


def test_the_interval_is_said_beside_what_was_compared():
    test = {"counts": [30, 1000, 90, 9000], "odds_ratio": [1.8123, 5.9]}
    assert compared(test).endswith("canary 30 of 1,000 (3\u00a0%), odds ratio 1.81 to 5.9")
