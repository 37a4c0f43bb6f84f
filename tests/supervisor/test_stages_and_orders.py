"""Stages of every kind and the orders of people, with real servers and the real gateway."""

from __future__ import annotations

import pytest

from tfx_rollout.rollout import Phase, plan_from_dict, read_rollout, send_order, start_rollout
from tfx_rollout.traffic import Track

pytestmark = pytest.mark.integration

SHORT = {"min_seconds": 1, "max_seconds": 100, "max_failure_rate": 0.5, "bad_odds_ratio": 100}
PLAN = {
    "stages": [
        {"kind": "shadow", **SHORT},
        {"kind": "header", **SHORT},
        {"share": 0.3, **SHORT, "min_seconds": 50},
        {"share": 0.6, **SHORT},
        {"kind": "bake", **SHORT},
    ],
    "window_seconds": 1,
    "waiting_seconds": 1,
    "min_windows": 2,
    "min_requests": 5,
    "latency": {"weight": 0},
    "predictions": {"weight": 0},
    "accuracy": {"weight": 0},
    "step_back": {"shares": [0.4, 0.1], "step_seconds": 2},
}


def test_a_rollout_goes_through_stages_of_every_kind_is_paused_skipped_and_stepped_back(serving, wait_until):
    serving.go_live(1)
    base = serving.model()
    with serving.load() as clients:
        rollout = start_rollout(base, 2, plan_from_dict(PLAN), by="ann", why="a test")

        def comes(phase: Phase, stage: int, seconds: float = 60) -> None:
            def reached() -> bool:
                state = read_rollout(base, rollout).state
                return state.phase is phase and state.stage >= stage

            wait_until(reached, seconds, f"{phase} in stage {stage + 1}")

        def order(kind, **more) -> None:
            send_order(base, rollout, kind, by="ben", why="a test", **more)

        comes(Phase.RUNNING, 2)
        order("pause")
        comes(Phase.PAUSED, 2)
        order("resume")
        comes(Phase.RUNNING, 2)
        order("skip")
        comes(Phase.RUNNING, 3)
        comes(Phase.HOLDING, 4)
        order("rollback")
        comes(Phase.ROLLED_BACK, 4)
    record = read_rollout(base, rollout)
    assert [event["event"] for event in record.events if event["event"] != "stage_in_force"] == [
        *("begin", "ready", "advance", "advance", "pause", "resume", "skip", "advance", "passed"),
        *("step_back", "step_back", "stepped_back", "applied"),
    ]
    in_force = [event["stage"] for event in record.events if event["event"] == "stage_in_force"]
    assert in_force == [0, 1, 2, 3, 4] or in_force == [0, 1, 3, 4]
    assert any(window.counts(Track.SHADOW).requests for window in record.windows)
    assert {window.split.canary for window in record.windows} >= {0, 6000, 9500}
    assert clients.failures == []
