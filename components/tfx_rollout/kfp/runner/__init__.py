"""Runs a compiled pipeline on this machine as open-source KFP's driver and launcher would, task by task.

For tests of one's own pipelines, before a cluster sees them:

    result = run_pipeline("taxi.yaml", pipeline_root="gs://bucket/root", mounts={"gs://bucket": folder})
    result.require_success()
    assert result.tasks["Pusher"].state is TaskState.SUCCEEDED

What is refused on a cluster is refused here, and what a cluster changes on the way (numbers,
types, missing outputs) is changed here. docs/kubeflow-runner.md says what is left out. The
names below are loaded on first use; none of them imports kfp before a pipeline is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfx_rollout.lazy_names import lazy_names

if TYPE_CHECKING:
    from tfx_rollout.kfp.runner.fork_launcher import ForkLauncher
    from tfx_rollout.kfp.runner.launch import Ended, Launch, Launcher
    from tfx_rollout.kfp.runner.result import PipelineResult, TaskResult, TaskState
    from tfx_rollout.kfp.runner.run import run_pipeline
    from tfx_rollout.kfp.runner.subprocess_launcher import SubprocessLauncher

_HOMES = {
    "Ended": "launch",
    "ForkLauncher": "fork_launcher",
    "Launch": "launch",
    "Launcher": "launch",
    "PipelineResult": "result",
    "SubprocessLauncher": "subprocess_launcher",
    "TaskResult": "result",
    "TaskState": "result",
    "run_pipeline": "run",
}

__all__ = [
    "Ended",
    "ForkLauncher",
    "Launch",
    "Launcher",
    "PipelineResult",
    "SubprocessLauncher",
    "TaskResult",
    "TaskState",
    "run_pipeline",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
