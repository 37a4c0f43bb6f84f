"""What is in a compiled pipeline: its DAGs, their tasks, and what each task runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ENTRYPOINT = ("python", "-m", "tfx_rollout.tfx.kubeflow.entrypoint")
"""The command of every TFX task that we compile. Public: pipelines that were compiled long ago go on using it."""

TFX_ENTRYPOINT = ("python", "-m", "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor")
"""TFX's own, which open-source KFP's inputs make fail (an artifact whose type is empty)."""

EXECUTOR_FLAG = "--executor_class_path"
STOCK_PUSHER = "tfx.components.pusher.executor.Executor"
KINDS = ("container", "importer", "resolver", "customJob")
"""What an executor of the IR may be; open-source KFP runs the first two."""


@dataclass(frozen=True)
class Task:
    """One task of one DAG, with what its component and executor say."""

    dag: str
    """`root`, or the name of the component whose DAG it is in."""
    name: str
    spec: Mapping[str, Any]
    component: Mapping[str, Any]
    executor: Mapping[str, Any]
    """Empty where the task is a DAG itself, or where its executor is missing."""
    siblings: frozenset[str]

    @property
    def node(self) -> str:
        """What a person calls it: the task's name, with its DAG where that is not the root."""
        return self.name if self.dag == "root" else f"{self.dag}/{self.name}"

    @property
    def executor_label(self) -> str:
        """The key of its executor; empty where it has none."""
        return str(self.component.get("executorLabel", ""))

    @property
    def container(self) -> Mapping[str, Any]:
        """Its container; empty for importers and the like."""
        return _mapping(self.executor, "container")

    @property
    def executor_class(self) -> str:
        """The TFX executor that its container runs; empty where it is no TFX task."""
        return executor_class(self.container)

    @property
    def deploys(self) -> bool:
        """Whether it changes what is served, or reads it as it is now: it must not be answered from a cache."""
        return deploys(self.container)

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The tasks that KFP lets come first. The sources of its inputs alone do not make it wait."""
        return tuple(str(name) for name in self.spec.get("dependentTasks", ()))

    @property
    def producers(self) -> tuple[str, ...]:
        """The tasks that it names: those it waits for and those whose outputs it reads, each once."""
        names = list(self.waits_for)
        for kind in ("parameters", "artifacts"):
            for given in _mapping(_mapping(self.spec, "inputs"), kind).values():
                for source in ("taskOutputParameter", "taskOutputArtifact", "taskFinalStatus"):
                    if isinstance(given, Mapping) and isinstance(given.get(source), Mapping):
                        names.append(str(given[source].get("producerTask", "")))
        return tuple(dict.fromkeys(names))


def tasks_of(pipeline: Mapping[str, Any]) -> Iterator[Task]:
    """Every task, those of the root first, then those of each component that is a DAG."""
    components = _mapping(pipeline, "components")
    executors = executors_of(pipeline)
    dags = {"root": _mapping(pipeline, "root"), **components}
    for dag, owner in dags.items():
        inside = _mapping(_mapping(owner, "dag"), "tasks")
        for name, spec in inside.items():
            component = _mapping(components, str(_mapping(spec, "componentRef").get("name", "")))
            executor = _mapping(executors, str(component.get("executorLabel", "")))
            yield Task(dag, name, spec, component, executor, frozenset(inside))


def executors_of(pipeline: Mapping[str, Any]) -> Mapping[str, Any]:
    """The executors by their label."""
    return _mapping(_mapping(pipeline, "deploymentSpec"), "executors")


def executor_class(container: Mapping[str, Any]) -> str:
    """The path of the TFX executor in a container's arguments; empty where there is none."""
    args = [str(arg) for arg in container.get("args", ())]
    return args[args.index(EXECUTOR_FLAG) + 1] if EXECUTOR_FLAG in args[:-1] else ""


def deploys(container: Mapping[str, Any]) -> bool:
    """Whether a container runs a component of ours, or the stock Pusher."""
    path = executor_class(container)
    if path:
        return path.startswith("tfx_rollout.") or path == STOCK_PUSHER
    words: Sequence[Any] = [*container.get("command", ()), *container.get("args", ())]
    return any(word == "tfx-rollout" or word == "tfx_rollout" or str(word).startswith("tfx_rollout.") for word in words)


def _mapping(owner: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The mapping under a key; empty where there is none, so that a broken document can be read to its end."""
    found = owner.get(key) if isinstance(owner, Mapping) else None
    return found if isinstance(found, Mapping) else {}
