"""What a run tells of itself."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.errors import NotFound, TaskFailed
from tfx_rollout.kfp.runner import PipelineResult, TaskResult, TaskState


@pytest.fixture
def result(tmp_path) -> PipelineResult:
    log = tmp_path / "log.txt"
    log.write_text("Traceback\nValueError: no model\n\n")
    tasks = [
        TaskResult("train", TaskState.SUCCEEDED, seconds=1.0),
        TaskResult("branch/push", TaskState.FAILED, "it ended with exit code 1", log=log, attempts=2),
        TaskResult("branch", TaskState.FAILED, "a task in it failed"),
        TaskResult("canary", TaskState.SKIPPED, "the task branch failed"),
    ]
    return PipelineResult("small", "uuid", "/root", {task.name: task for task in tasks}, 3.0)


def test_the_first_task_that_failed_is_named_with_its_reason_and_its_logs_last_line(result, tmp_path):
    assert not result.succeeded
    with pytest.raises(TaskFailed) as failed:
        result.require_success()
    assert str(failed.value) == (
        f"Task branch/push failed: it ended with exit code 1; its log {tmp_path}/log.txt ends with: ValueError: no model"
    )
    assert failed.value.task == "branch/push"


def test_without_a_log_the_reason_is_the_whole_sentence(result):
    tasks = {"canary": TaskResult("canary", TaskState.FAILED, "its condition cannot be decided")}
    with pytest.raises(TaskFailed, match=r"^Task canary failed: its condition cannot be decided\.$"):
        PipelineResult("small", "uuid", "/root", tasks, 1.0).require_success()


def test_skipped_tasks_are_no_failure():
    tasks = {"canary": TaskResult("canary", TaskState.SKIPPED, "its condition is false")}
    result = PipelineResult("small", "uuid", "/root", tasks, 1.0)
    assert result.require_success() is result


def test_a_task_is_found_by_its_path_or_its_end(result):
    assert result.task("push") is result.tasks["branch/push"]
    assert result.task("branch/push") is result.tasks["branch/push"]
    with pytest.raises(NotFound, match="There is no task deploy in this run of small; known: train, branch/push, branch, canary"):
        result.task("deploy")


def test_it_is_json(result):
    told = json.loads(json.dumps(result.to_json()))
    assert told["succeeded"] is False
    assert told["tasks"]["branch/push"]["attempts"] == 2
    assert told["tasks"]["canary"]["state"] == "SKIPPED"
