"""`replay-decisions` on a record that a controller left, with simulated serving."""

from __future__ import annotations

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import RolloutController, list_rollouts, plan_from_dict, start_rollout
from tfx_rollout.testing import Behaviour, InMemoryEvidence, ManualClock, SimulatedServing
from tfx_rollout.traffic import Label, Track

RECORDED = {
    "name": "recorded",
    "window_seconds": 5,
    "waiting_seconds": 2,
    "stages": [{"share": 0.5, "min_seconds": 10, "max_seconds": 300}],
}


@pytest.fixture
def record(tmp_path, saved_model):
    """Arguments for a rollout whose canary failed and was rolled back."""
    base = ModelStore(tmp_path / "root").model("taxi")
    for content in ("one", "two"):
        base.publish(saved_model(content))
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    clock = ManualClock()
    serving = SimulatedServing("taxi", clock)
    evidence = InMemoryEvidence(clock, serving.split_at, waiting_seconds=2.0)
    evidence.behaviours[Track.CANARY] = Behaviour(failures=0.3)
    controller = RolloutController(base, evidence, clock)
    rollout = start_rollout(base, 2, plan_from_dict(RECORDED), by="ann", why="a test")
    for _ in range(300):
        base.write_observed(serving.settle(base.desired()))
        controller.tick()
        clock.advance(1.0)
        if list_rollouts(base)[-1].finished:
            break
    assert list_rollouts(base)[-1].outcome == "rolled_back"
    return (rollout, "--root", base.store.root, "--model", "taxi")


@pytest.fixture
def lenient(tmp_path):
    """A plan that would not have rolled back so soon."""
    path = tmp_path / "lenient.yaml"
    path.write_text("name: lenient\nalpha: 1.0e-9\nstages: [{share: 0.2}, {share: 0.6}]\n")
    return path


def test_the_windows_are_told_after_which_another_plan_would_have_decided_otherwise(run, run_json, record, lenient):
    document = run_json("replay-decisions", *record, "--plan", lenient)
    assert (document["recorded_plan"], document["plan"], document["outcome"]) == ("recorded", "lenient", "rolled_back")
    last = document["windows"][-1]
    assert (last["recorded"], last["other"], last["differs"]) == ("rollback", "hold", True)
    assert document["differences"] == sum(window["differs"] for window in document["windows"]) > 0
    text = run("replay-decisions", *record, "--plan", lenient).stdout
    assert "after which plan lenient says something else than recorded did" in text
    assert f"{document['differences']} of {len(document['windows'])} windows differ." in text
    assert "traffic would have been another one" in text


def test_an_unknown_rollout_is_named(run, record, lenient):
    refused = run("replay-decisions", "nope", *record[1:], "--plan", lenient)
    assert refused.exit_code == 4
    assert "There is no rollout nope" in refused.stderr
