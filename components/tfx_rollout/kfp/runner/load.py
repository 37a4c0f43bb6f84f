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
        findings += lint(documents, (unmapped_claims(locations),))
    if findings:
        raise InvalidPlan(f"the compiled pipeline {documents.name}", [str(finding) for finding in findings])
    return Pipeline(documents.pipeline["pipelineInfo"]["name"], documents)


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


def _claims(documents: Documents, label: str) -> list[Json]:
    platforms = (documents.platform or {}).get("platforms", {})
    executor = platforms.get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {}).get(label, {})
    return list(executor.get("pvcMount", ()))
