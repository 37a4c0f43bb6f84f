"""A compiled pipeline, read as the API server reads it, and refused with every fault at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir import Documents, load, parse
from tfx_rollout.kfp.ir.executor_rules import container_images, executors, lifecycle_hooks
from tfx_rollout.kfp.ir.finding import Finding
from tfx_rollout.kfp.ir.flow_rules import cycles, legacy_parameters, parameter_sources, producers
from tfx_rollout.kfp.ir.linting import Rule, lint
from tfx_rollout.kfp.ir.pipeline_rules import no_tasks, pipeline_name, schema_version
from tfx_rollout.kfp.ir.schema_rules import SCHEMA_RULES
from tfx_rollout.kfp.ir.tasks import tasks_of
from tfx_rollout.kfp.runner.locations import Locations
from tfx_rollout.kfp.runner.order import is_exit_task

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Pipeline:
    """A compiled pipeline that can be run."""

    name: str
    documents: Documents

    @property
    def root(self) -> Json:
        """The component that is the pipeline itself."""
        root: Json = self.documents.pipeline["root"]
        return root

    def component(self, task: Json) -> Json:
        """What a task runs."""
        component: Json = self.documents.pipeline["components"][task["componentRef"]["name"]]
        return component

    def executor(self, component: Json) -> Json:
        """How a component that is no DAG is run: it has a `container` or an `importer`."""
        executor: Json = self.documents.pipeline["deploymentSpec"]["executors"][component["executorLabel"]]
        return executor


def load_pipeline(ir: Path | str | Documents, locations: Locations) -> Pipeline:
    """The pipeline of a file, a text or documents. `InvalidPlan` with every fault of it."""
    documents = ir if isinstance(ir, Documents) else parse(ir) if isinstance(ir, str) and "\n" in ir else load(ir)
    unreadable = lint(documents, SCHEMA_RULES)
    # A document with unknown shapes is not worth reading further: each further fault would be one of the first.
    findings = unreadable or lint(documents, (*REFUSED, unmapped_claims(locations)))
    if findings:
        raise InvalidPlan(f"the compiled pipeline {documents.name}", [str(finding) for finding in findings])
    return Pipeline(documents.pipeline["pipelineInfo"]["name"], documents)


def iterators(documents: Documents) -> Iterator[Finding]:
    """Loops run on a cluster, but not here."""
    for task in tasks_of(documents.pipeline):
        if "artifactIterator" in task.spec:
            yield Finding(
                "iterator", task.node, "it iterates over artifacts, which open-source KFP does not do", "iterate over a parameter"
            )
        if "parameterIterator" in task.spec:
            yield Finding(
                "iterator", task.node, "it is a dsl.ParallelFor, which this runner does not run", "try the body on its own"
            )


def conditional_importers(documents: Documents) -> Iterator[Finding]:
    """An importer runs within its own driver, so that nothing can hold it back."""
    for task in tasks_of(documents.pipeline):
        if "importer" in task.executor and task.spec.get("triggerPolicy", {}).get("condition"):
            yield Finding(
                "conditional-importer",
                task.node,
                "it is an importer with a condition, which open-source KFP does not compile",
                "put the condition on the tasks that use it",
            )


def concatenations(documents: Documents) -> Iterator[Finding]:
    """A Concat stays in the command as it is: nothing in open-source KFP's driver or launcher reads it."""
    for task in tasks_of(documents.pipeline):
        words = [str(word) for word in (*task.container.get("command", ()), *task.container.get("args", ()))]
        if any(word.strip().startswith('{"Concat":') for word in words):
            yield Finding(
                "concat",
                task.node,
                "its command has a dsl.ConcatPlaceholder, which open-source KFP hands on as it is",
                "write the text with an f-string",
            )


def only_exit_tasks(documents: Documents) -> Iterator[Finding]:
    """A DAG has at least one task that is no exit handler."""
    dags: dict[str, list[bool]] = {}
    for task in tasks_of(documents.pipeline):
        dags.setdefault(task.dag, []).append(is_exit_task(task.spec))
    for dag, exits in dags.items():
        if all(exits):
            yield Finding("exit-only", dag, "it has exit handlers alone", "give it a task that they can follow")


def nested_in_themselves(documents: Documents) -> Iterator[Finding]:
    """A component whose DAG holds itself would never end."""
    inside: dict[str, set[str]] = {}
    for task in tasks_of(documents.pipeline):
        inside.setdefault(task.dag, set()).add(str(task.spec.get("componentRef", {}).get("name", "")))
    for dag in inside:
        reached: set[str] = set()
        ahead = set(inside[dag])
        while ahead:
            reached |= ahead
            ahead = set().union(*(inside.get(name, set()) for name in ahead)) - reached
        if dag in reached:
            yield Finding("cycle", dag, "it is a part of itself", "take that part out")


def unmapped_claims(locations: Locations) -> Rule:
    """Volumes of the cluster need a folder of this machine."""

    def rule(documents: Documents) -> Iterator[Finding]:
        for task in tasks_of(documents.pipeline):
            for mount in _claims(documents, task.executor_label):
                path = str(mount.get("mountPath", ""))
                if not locations.covers(path):
                    yield Finding(
                        "unmapped-mount",
                        task.node,
                        f"it mounts a volume claim at {path}, which is not mapped",
                        f"give mounts={{{path!r}: FOLDER}}",
                    )

    return rule


REFUSED: tuple[Rule, ...] = (
    schema_version,
    pipeline_name,
    no_tasks,
    executors,
    lifecycle_hooks,
    container_images,
    legacy_parameters,
    producers,
    parameter_sources,
    cycles,
    nested_in_themselves,
    only_exit_tasks,
    conditional_importers,
    concatenations,
    iterators,
)
"""What the API server or the compiler behind it refuses, and what this runner does not do."""


def _claims(documents: Documents, label: str) -> list[Json]:
    platforms = (documents.platform or {}).get("platforms", {})
    executor = platforms.get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {}).get(label, {})
    return list(executor.get("pvcMount", ()))
