"""What became of a run: one result for each task, and the run's own word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from tfx_rollout.errors import NotFound, TaskFailed
from tfx_rollout.kfp.runner.values import Value


class TaskState(str, Enum):
    """How a task ended."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True)
class TaskResult:
    """One task that ended, or was passed over."""

    name: str
    """Its path through the DAGs: `push` in the root, `condition-1/push` within a branch."""
    state: TaskState
    reason: str = ""
    """Why it failed or was skipped; empty where it succeeded."""
    executor_input: Mapping[str, Any] | None = None
    """What it was given (KFP's ExecutorInput as JSON); None where it was never resolved."""
    parameters: Mapping[str, Value] = field(default_factory=dict)
    """Its output parameters."""
    artifacts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Its output artifacts as the next tasks are handed them (`uri`, `metadata`)."""
    log: Path | None = None
    """What it printed, all attempts; None where no process was started."""
    attempts: int = 0
    seconds: float = 0.0
    """Wall time, all attempts and the pauses between them."""

    def last_line(self) -> str:
        """The last line of the log that says something; empty where there is none."""
        if self.log is None or not self.log.is_file():
            return ""
        lines = self.log.read_text(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def to_json(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "state": self.state.value,
            "reason": self.reason,
            "executor_input": self.executor_input,
            "parameters": dict(self.parameters),
            "artifacts": {key: dict(artifact) for key, artifact in self.artifacts.items()},
            "log": None if self.log is None else str(self.log),
            "attempts": self.attempts,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class PipelineResult:
    """A whole run."""

    pipeline: str
    run_id: str
    root: str
    """The local folder that holds every artifact of this run."""
    tasks: Mapping[str, TaskResult]
    """In the order in which they ended, by their path."""
    seconds: float

    @property
    def succeeded(self) -> bool:
        """Whether no task failed; a skipped one is no failure."""
        return not self.failed

    @property
    def failed(self) -> tuple[TaskResult, ...]:
        """The tasks that failed; of a failed branch the inner task comes before its DAG."""
        return tuple(task for task in self.tasks.values() if task.state is TaskState.FAILED)

    def task(self, name: str) -> TaskResult:
        """A task by its path, or by the end of it where no other task has the same. Raises NotFound."""
        if name in self.tasks:
            return self.tasks[name]
        found = [task for path, task in self.tasks.items() if path.endswith(f"/{name}")]
        if len(found) != 1:
            raise NotFound("task" if not found else "single task", name, f"this run of {self.pipeline}", list(self.tasks))
        return found[0]

    def require_success(self) -> PipelineResult:
        """This result; raises TaskFailed with the first task that failed and the last line of its log."""
        if self.failed:
            first = self.failed[0]
            raise TaskFailed(first.name, first.reason, str(first.log) if first.log else None, first.last_line())
        return self

    def to_json(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "pipeline": self.pipeline,
            "run_id": self.run_id,
            "root": self.root,
            "succeeded": self.succeeded,
            "seconds": round(self.seconds, 3),
            "tasks": {name: task.to_json() for name, task in self.tasks.items()},
        }
