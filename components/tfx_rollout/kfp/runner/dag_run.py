"""A DAG, task by task: which run, which are skipped, and what they give each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.condition import holds
from tfx_rollout.kfp.runner.importer import imported
from tfx_rollout.kfp.runner.load import Pipeline
from tfx_rollout.kfp.runner.loop import collected, item_input, rounds
from tfx_rollout.kfp.runner.order import in_order, is_exit_task, upstream
from tfx_rollout.kfp.runner.parameters import RunFacts, of_their_kinds, task_parameters
from tfx_rollout.kfp.runner.publish import Publisher
from tfx_rollout.kfp.runner.result import TaskResult, TaskState
from tfx_rollout.kfp.runner.scope import Artifacts, Outputs, Scope
from tfx_rollout.kfp.runner.task_run import Attempted, Settings, run_container
from tfx_rollout.kfp.runner.values import Value

Json = Mapping[str, Any]


class DagRun:
    """Runs the DAGs of one pipeline, one task after another. A task that fails stops what depends on it, nothing else."""

    def __init__(
        self, pipeline: Pipeline, facts: RunFacts, settings: Settings, publisher: Publisher, tell: Callable[[str], None]
    ) -> None:
        self._pipeline, self._facts, self._settings = pipeline, facts, settings
        self._publisher, self._tell = publisher, tell
        self.results: dict[str, TaskResult] = {}

    def run(self, dag: Json, scope: Scope, prefix: str = "") -> TaskState:
        """Runs every task of a DAG; FAILED where one of them failed."""
        tasks = dag["tasks"]
        for name in in_order(tasks):
            result, outputs = self._task(name, tasks[name], scope, prefix)
            scope.ended(name, result.state, outputs)
            self.results[result.name] = result
            self._told(result)
        return TaskState.FAILED if TaskState.FAILED in scope.states.values() else TaskState.SUCCEEDED

    def _task(self, name: str, task: Json, scope: Scope, prefix: str) -> tuple[TaskResult, Outputs]:
        path, began = f"{prefix}{name}", time.monotonic()
        if reason := _held_back(task, scope):
            return TaskResult(path, TaskState.SKIPPED, reason), Outputs()
        attempted = Attempted({})
        state, reason, outputs = TaskState.SUCCEEDED, "", Outputs()
        try:
            component = self._pipeline.component(task)
            inputs = _inputs(name, task, component, scope, self._facts, self._settings)
            attempted.executor_input = {"inputs": inputs}
            condition = task.get("triggerPolicy", {}).get("condition")
            if condition and not holds(condition, inputs):
                state, reason = TaskState.SKIPPED, f"its condition is false: {condition}"
            elif "dag" in component:
                state, outputs = self._dag(path, task, component, scope, inputs)
                reason = "a task in it failed" if state is TaskState.FAILED else ""
            else:
                outputs = self._executed(path, task, component, scope, attempted)
        except TaskFault as fault:
            state, reason = TaskState.FAILED, str(fault)
        return (
            TaskResult(
                path,
                state,
                reason,
                executor_input=attempted.executor_input or None,
                parameters=outputs.parameters,
                artifacts={key: _first(found) for key, found in outputs.artifacts.items()},
                log=attempted.log,
                attempts=attempted.attempts,
                seconds=time.monotonic() - began,
            ),
            outputs,
        )

    def _dag(self, path: str, task: Json, component: Json, scope: Scope, inputs: Json) -> tuple[TaskState, Outputs]:
        artifacts = {key: _artifacts(source, scope) for key, source in task.get("inputs", {}).get("artifacts", {}).items()}
        parameters = inputs.get("parameterValues", {})
        if item_input(task) is None:
            return self._round(component, parameters, artifacts, f"{path}/")
        states, given = set(), []
        for number, of_the_round in enumerate(rounds(task, parameters)):
            state, outputs = self._round(component, of_the_round, artifacts, f"{path}[{number}]/")
            states.add(state)
            given.append(outputs)
        return TaskState.FAILED if TaskState.FAILED in states else TaskState.SUCCEEDED, collected(given)

    def _round(
        self, component: Json, parameters: Mapping[str, Value], artifacts: Mapping[str, Artifacts], prefix: str
    ) -> tuple[TaskState, Outputs]:
        scope = Scope(self._publisher.execution(), of_their_kinds(component, parameters), artifacts)
        state = self.run(component["dag"], scope, prefix)
        return state, scope.dag_outputs(component["dag"])

    def _executed(self, path: str, task: Json, component: Json, scope: Scope, attempted: Attempted) -> Outputs:
        executor = self._pipeline.executor(component)
        if "importer" in executor:
            uri, metadata = imported(executor["importer"], task, scope, self._settings.locations)
            (key,) = component["outputDefinitions"]["artifacts"]
            return self._publisher.publish({}, {key: {"uri": uri, "metadata": metadata}})
        self._publisher.execution()
        self._tell(f"{path} …")
        return run_container(path, task, component, executor["container"], attempted, self._settings, self._publisher)

    def _told(self, result: TaskResult) -> None:
        if result.state is TaskState.SUCCEEDED:
            self._tell(f"{result.name} succeeded in {result.seconds:.1f} s")
        else:
            self._tell(f"{result.name} {result.state.value.lower()}: {result.reason}")


def _held_back(task: Json, scope: Scope) -> str:
    """Why a task is not even looked at; empty where it is."""
    before = {name: scope.states[name] for name in upstream(task)}
    if is_exit_task(task):
        passed_over = bool(before) and all(state is TaskState.SKIPPED for state in before.values())
        return f"what it follows did not run: {', '.join(before)}" if passed_over else ""
    for name, state in before.items():
        if state is not TaskState.SUCCEEDED:
            return f"the task {name} {'failed' if state is TaskState.FAILED else 'was skipped'}"
    return ""


def _inputs(name: str, task: Json, component: Json, scope: Scope, facts: RunFacts, settings: Settings) -> dict[str, Any]:
    """The `inputs` of the task's ExecutorInput. Raises TaskFault."""
    inputs: dict[str, Any] = {}
    if parameters := task_parameters(name, task, component, scope, facts, settings.locations):
        inputs["parameterValues"] = parameters
    artifacts = {
        key: {"artifacts": [artifact.handed_on() for artifact in _artifacts(source, scope)]}
        for key, source in task.get("inputs", {}).get("artifacts", {}).items()
    }
    return {**inputs, "artifacts": artifacts} if artifacts else inputs


def _artifacts(source: Json, scope: Scope) -> Artifacts:
    if "taskOutputArtifact" in source:
        return scope.artifacts_of(source["taskOutputArtifact"]["producerTask"], source["taskOutputArtifact"]["outputArtifactKey"])
    wanted = source.get("componentInputArtifact", "")
    if wanted not in scope.artifacts:
        raise TaskFault(f"it takes the artifact {wanted!r}, which its DAG does not have")
    return scope.artifacts[wanted]


def _first(found: Artifacts) -> dict[str, Any]:
    return {"uri": found[0].uri, "metadata": dict(found[0].metadata)} if found else {}
