"""What an exit handler is told of the tasks that it follows (`PipelineTaskFinalStatus`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.result import TaskState
from tfx_rollout.kfp.runner.scope import Scope
from tfx_rollout.kfp.runner.values import Value

STORED_STATES = {TaskState.SUCCEEDED: "COMPLETE", TaskState.FAILED: "FAILED", TaskState.SKIPPED: "CANCELED"}
"""States as ML Metadata calls them, which open-source KFP hands on; Vertex, and KFP's documentation, say SUCCEEDED."""


def final_status(task: Mapping[str, Any], scope: Scope, run_name: str) -> Value:
    """The status of the first task that the exit handler depends on. Raises TaskFault where it depends on none."""
    followed = list(task.get("dependentTasks", ()))
    if not followed:
        raise TaskFault("it takes a final status, but follows no task")
    return {
        "state": STORED_STATES[scope.states[followed[0]]],
        "pipelineJobResourceName": run_name,
        "pipelineTaskName": followed[0],
        "error": {},
    }
