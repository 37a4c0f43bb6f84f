from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from tfx_rollout.evidence import LatencyHistogram, TrackCounts, Window
from tfx_rollout.rollout import JudgeState, Plan, Verdict, judge, plan_from_dict
from tfx_rollout.rollout.judge import assess
from tfx_rollout.traffic import Split, Track

QUICK = {60: 50, 80: 40, 100: 9, 120: 1}
"""Latencies of a hundred answers, by bucket; other numbers of them are multiples."""
OFF = {metric: {"weight": 0} for metric in ("latency", "predictions", "accuracy")}


def _answers(requests: int, slower: int = 0) -> LatencyHistogram:
    return LatencyHistogram({bucket + slower: n * requests // 100 for bucket, n in QUICK.items()})


def _track(requests: int, failures: int, slower: int = 0, predictions: Mapping[str, int] | None = None) -> TrackCounts:
    latency = _answers(requests, slower)
    return TrackCounts(
        requests,
        failures,
        latency=latency,
        units=requests,
        unit_failures=failures,
        unit_latency=latency,
        predictions=predictions or {},
    )


@pytest.fixture(scope="session")
def plan() -> Plan:
    """Two stages, errors and latency, and floors that are soon reached."""
    document = {
        "stages": [
            {"share": 0.1, "min_seconds": 30, "max_seconds": 900},
            {"share": 0.5, "min_seconds": 30, "max_seconds": 900},
        ],
        "min_windows": 3,
        "min_requests": 100,
        "max_failure_rate": 0.05,
        "latency": {"slack_ms": 0, "settle_seconds": 0},
        "predictions": {"weight": 0},
        "accuracy": {"weight": 0},
    }
    return plan_from_dict(document)


@pytest.fixture(scope="session")
def errors_only(plan: Plan) -> Plan:
    return replace(plan, latency=replace(plan.latency, weight=0.0))


@pytest.fixture(scope="session")
def window() -> Callable[..., Window]:
    """Ten seconds with `(requests, failures)` per track, and the canary's latency `slower` buckets (5 % each) higher."""

    def make(
        number, canary=(100, 0), stable=(900, 0), *, share=0.1, slower=0, track=Track.CANARY, predictions=({}, {}), **changes
    ):
        counts = {
            track: _track(*canary, slower, predictions[0]),
            Track.STABLE: _track(*stable, 0, predictions[1]),
        }
        return replace(Window(number, 10.0 * number, 10.0 * number + 10, Split.of(share), counts), **changes)

    return make


@pytest.fixture(scope="session")
def folded() -> Callable[..., tuple[JudgeState, Verdict]]:
    """The state and verdict after these windows."""

    def fold(plan: Plan, state: JudgeState, *windows: Window) -> tuple[JudgeState, Verdict]:
        verdict = assess(plan, state)
        for one in windows:
            state, verdict = judge(plan, state, one)
        return state, verdict

    return fold
