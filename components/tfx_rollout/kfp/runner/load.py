"""A compiled pipeline, read as the API server reads it, and refused with every fault at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir import Documents, Finding, lint, load, parse
from tfx_rollout.kfp.ir.linting import Rule
from tfx_rollout.kfp.ir.schema_rules import SHAPELESS
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
    findings = [finding for finding in lint(documents) if finding.rule not in TAKEN]
    if not any(finding.rule == SHAPELESS for finding in findings):
        findings += lint(documents, (*RULES, unmapped_claims(locations)))
    if findings:
        raise InvalidPlan(f"the compiled pipeline {documents.name}", [str(finding) for finding in findings])
    return Pipeline(documents.pipeline["pipelineInfo"]["name"], documents)


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


def loops_over_containers(documents: Documents) -> Iterator[Finding]:
    """A loop has a DAG as its body: KFP's compiler makes one, and its driver knows no other."""
    for task in tasks_of(documents.pipeline):
        if "parameterIterator" in task.spec and task.component and "dag" not in task.component:
            yield Finding("loop", task.node, "it is a loop whose body is no DAG", "compile it with dsl.ParallelFor")


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
        mounting: dict[str, list[str]] = {}
        for task in tasks_of(documents.pipeline):
            for mount in _claims(documents, task.executor_label):
                mounting.setdefault(str(mount.get("mountPath", "")), []).append(task.node)
        for path, nodes in mounting.items():
            if not locations.covers(path):
                yield Finding(
                    "unmapped-mount",
                    ", ".join(nodes),
                    f"a volume claim is mounted at {path}, which is not mapped",
                    f"give mounts={{{path!r}: FOLDER}}",
                )

    return rule


TAKEN = frozenset(
    {
        "artifact-title",
        "caching",
        "dependency",
        "entrypoint",
        "inputs-spec",
        "live-model",
        "pipeline-root",
        "placeholder",
        "root-input",
    }
)
"""Findings that do not keep a cluster from starting a run. They show themselves, or are looked at with the run's own facts."""

RULES: tuple[Rule, ...] = (nested_in_themselves, only_exit_tasks, conditional_importers, concatenations, loops_over_containers)
"""What the compiler behind the API server refuses beyond `lint`, and what this runner does not do."""


def _claims(documents: Documents, label: str) -> list[Json]:
    platforms = (documents.platform or {}).get("platforms", {})
    executor = platforms.get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {}).get(label, {})
    return list(executor.get("pvcMount", ()))
