"""What is in a compiled pipeline: its DAGs, their tasks, and what each task runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tfx_rollout.kfp.ir.command import module_command
from tfx_rollout.kfp.ir.reading import entries, inside, text, texts

ENTRYPOINT_MODULE = "tfx_rollout.tfx.kubeflow.entrypoint"
"""What runs every TFX task that we compile. Public: pipelines that were compiled long ago go on using it."""

ENTRYPOINT = module_command(ENTRYPOINT_MODULE)
"""The command of every TFX task that we compile."""

EXECUTOR_FLAG = "--executor_class_path"
STOCK_PUSHER = "tfx.components.pusher.executor.Executor"
EXIT_STRATEGY = "ALL_UPSTREAM_TASKS_COMPLETED"
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
        return text(self.component, "executorLabel")

    @property
    def container(self) -> Mapping[str, Any]:
        """Its container; empty for importers and the like."""
        return inside(self.executor, "container")

    @property
    def executor_class(self) -> str:
        """The TFX executor that its container runs; empty where it is no TFX task."""
        return executor_class(self.container)

    @property
    def deploys(self) -> bool:
        """Whether it changes what is served, or reads it as it is now: it must not be answered from a cache."""
        return deploys(self.container)

    @property
    def handles_exit(self) -> bool:
        """Whether it runs however the tasks before it ended."""
        return text(inside(self.spec, "triggerPolicy"), "strategy") == EXIT_STRATEGY

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The tasks that KFP lets come first. The sources of its inputs alone do not make it wait."""
        return texts(self.spec, "dependentTasks")

    @property
    def producers(self) -> tuple[str, ...]:
        """The tasks that it names: those it waits for and those whose outputs it reads, each once."""
        names = list(self.waits_for)
        for kind in ("parameters", "artifacts"):
            for _, given in entries(self.spec, "inputs", kind):
                for source in ("taskOutputParameter", "taskOutputArtifact", "taskFinalStatus"):
                    if source in given:
                        names.append(text(inside(given, source), "producerTask"))
        return tuple(dict.fromkeys(names))


def tasks_of(pipeline: Mapping[str, Any]) -> Iterator[Task]:
    """Every task, those of the root first, then those of each component that is a DAG."""
    executors = executors_of(pipeline)
    for dag, owner in (("root", inside(pipeline, "root")), *entries(pipeline, "components")):
        tasks = inside(owner, "dag", "tasks")
        for name, spec in entries(tasks):
            component = inside(pipeline, "components", text(inside(spec, "componentRef"), "name"))
            executor = inside(executors, text(component, "executorLabel"))
            yield Task(dag, name, spec, component, executor, frozenset(tasks))


def executors_of(pipeline: Mapping[str, Any]) -> Mapping[str, Any]:
    """The executors by their label."""
    return inside(pipeline, "deploymentSpec", "executors")


def executor_class(container: Mapping[str, Any]) -> str:
    """The path of the TFX executor in a container's arguments; empty where there is none."""
    args = texts(container, "args")
    return args[args.index(EXECUTOR_FLAG) + 1] if EXECUTOR_FLAG in args[:-1] else ""


def deploys(container: Mapping[str, Any]) -> bool:
    """Whether a container runs a component of ours, or the stock Pusher."""
    path = executor_class(container)
    if path:
        return path.startswith("tfx_rollout.") or path == STOCK_PUSHER
    words = (*texts(container, "command"), *texts(container, "args"))
    return any(word in ("tfx-rollout", "tfx_rollout") or word.startswith("tfx_rollout.") for word in words)
