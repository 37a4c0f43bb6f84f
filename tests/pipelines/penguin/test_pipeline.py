"""The compiled pipeline, run task by task as open-source Kubeflow Pipelines would: what goes live, and what does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfx_rollout.kfp.runner import TaskState
from tfx_rollout.rollout import list_rollouts

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


def test_the_first_model_goes_live_the_next_is_promoted_and_one_that_fails_on_live_traffic_is_not(run, base, served, asking):
    first = run(years="2007,2008").require_success()
    assert first.task("run-canary").parameters["outcome"] == "first_version"
    assert first.task("check-blessing").parameters["blessed"] is True
    assert (base.desired().stable, base.versions()) == (1, [1])
    assert first.seconds < 180

    with asking(served) as asked:
        second = run().require_success()
    assert second.task("push-model").parameters["version"] == 2
    assert second.task("run-canary").parameters["outcome"] == "holding"
    assert second.task("check-blessing").parameters["outcome"] == "promoted"
    assert (base.desired().stable, base.desired().previous) == (2, 1)
    assert set(asked.codes) == {200}
    page = Path(second.task("run-canary").artifacts["page"]["uri"]).read_text()
    assert "version 2 after version 1" in page

    # Nothing offline can see its fault: no penguin of Torgersen is among its examples either.
    with asking(served):
        third = run(islands="Biscoe,Dream").require_success()
    assert third.task("validate-infra").parameters["blessed"] is True
    assert third.task("run-canary").parameters["outcome"] == "rolled_back"
    assert third.task("check-blessing").parameters["blessed"] is False
    assert "the rollout says no" in third.task("check-blessing").parameters["reason"]
    assert third.task("end-unfinished").parameters["reason"] == "the pipeline has succeeded, so nothing was changed"
    assert base.desired().stable == 2


def test_a_model_that_fails_the_validation_is_not_pushed(run, base):
    result = run(limits='{"p50_ms": 0.000001}').require_success()
    assert result.task("validate-infra").parameters["blessed"] is False
    assert "the limit is 1e-06 ms" in result.task("validate-infra").parameters["reason"]
    for task in ("push-model", "run-canary", "check-blessing"):
        assert not any(name.endswith(task) and done.state is not TaskState.SKIPPED for name, done in result.tasks.items())
    assert result.task("end-unfinished").state is TaskState.SUCCEEDED
    assert base.versions() == []


def test_a_model_that_is_not_accurate_enough_is_not_even_validated(run, base):
    result = run(min_accuracy=1.01, epochs=1).require_success()
    assert result.task("train-model").parameters["good"] == "no"
    assert not any(name.endswith("validate-infra") and done.state is not TaskState.SKIPPED for name, done in result.tasks.items())
    assert base.versions() == []


def test_a_pipeline_that_fails_in_the_middle_of_a_rollout_leaves_the_stable_version_serving_alone(run, base, served, asking):
    run(years="2007,2008").require_success()
    endless = {
        "stages": [{"share": 0.5, "min_seconds": 100_000, "max_seconds": 200_000}],
        "window_seconds": 1,
        "waiting_seconds": 1,
    }
    with asking(served) as asked:
        result = run(plan=json.dumps(endless), timeout_seconds=2.0)
        assert not result.succeeded
        assert "was not decided within 2 s" in result.task("run-canary").last_line()
        ended = result.task("end-unfinished")
        assert ended.state is TaskState.SUCCEEDED
        assert ended.parameters["ended"] == 1
    rollouts = list_rollouts(base)
    assert [state.outcome for state in rollouts] == ["first_version", "rolled_back"]
    assert result.run_id in rollouts[-1].reason
    state = base.desired()
    assert (state.stable, state.versions) == (1, (1,))
    assert set(asked.codes) == {200}
