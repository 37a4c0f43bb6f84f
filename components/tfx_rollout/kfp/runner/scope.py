"""What a DAG knows while it runs: its own inputs, and what its tasks have given so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.artifacts import Artifact
from tfx_rollout.kfp.runner.result import TaskState
from tfx_rollout.kfp.runner.values import Value

Artifacts = tuple[Artifact, ...]


@dataclass(frozen=True)
class Outputs:
    """What a task gave."""

    parameters: Mapping[str, Value] = field(default_factory=dict)
    artifacts: Mapping[str, Artifacts] = field(default_factory=dict)


@dataclass
class Scope:
    """One DAG's inputs, and the states and outputs of its tasks."""

    dag_id: int
    """What stands for `{{$.pipeline_task_uuid}}`: the number of the DAG's own execution."""
    parameters: Mapping[str, Value]
    artifacts: Mapping[str, Artifacts]
    states: dict[str, TaskState] = field(default_factory=dict)
    outputs: dict[str, Outputs] = field(default_factory=dict)

    def ended(self, task: str, state: TaskState, outputs: Outputs) -> None:
        """Notes that a task ended."""
        self.states[task], self.outputs[task] = state, outputs

    def parameter_of(self, task: str, key: str) -> Value:
        """An output parameter of a task. Raises TaskFault where it gave none."""
        return _given(self.outputs[task].parameters, task, key, "parameter")

    def artifacts_of(self, task: str, key: str) -> Artifacts:
        """An output artifact of a task. Raises TaskFault where it gave none."""
        return _given(self.outputs[task].artifacts, task, key, "artifact")

    def dag_outputs(self, dag: Mapping[str, Any]) -> Outputs:
        """What the DAG itself gives, by its selectors. Outputs whose tasks did not run are left out.

        Where a selector names several tasks (dsl.OneOf) it is the first one that succeeded.
        """
        declared = dag.get("outputs", {})
        parameters, artifacts = {}, {}
        for key, spec in declared.get("parameters", {}).items():
            one = spec.get("valueFromParameter")
            for selector in [one] if one else spec.get("valueFromOneof", {}).get("parameterSelectors", []):
                found = self._output(selector["producerSubtask"]).parameters
                if selector["outputParameterKey"] in found:
                    parameters[key] = found[selector["outputParameterKey"]]
                    break
        for key, spec in declared.get("artifacts", {}).items():
            for selector in spec.get("artifactSelectors", []):
                given = self._output(selector["producerSubtask"]).artifacts
                if selector["outputArtifactKey"] in given:
                    artifacts[key] = given[selector["outputArtifactKey"]]
                    break
        return Outputs(parameters, artifacts)

    def _output(self, task: str) -> Outputs:
        return self.outputs.get(task, Outputs()) if self.states.get(task) is TaskState.SUCCEEDED else Outputs()


def _given(outputs: Mapping[str, Any], task: str, key: str, kind: str) -> Any:
    if key not in outputs:
        known = ", ".join(sorted(outputs)) or "none"
        raise TaskFault(f"the task {task} has no output {kind} {key!r}; it gave: {known}")
    return outputs[key]
