"""Rules on the pipeline as a whole: its schema, name, root and parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tfx_rollout.kfp.ir.document import Documents
from tfx_rollout.kfp.ir.finding import Finding
from tfx_rollout.kfp.ir.reading import entries, inside, text
from tfx_rollout.kfp.ir.roots import root_fault
from tfx_rollout.kfp.ir.tasks import tasks_of

SCHEMA_VERSION = "2.1.0"
NAME = re.compile(r"(?=.{1,128}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def schema_version(documents: Documents) -> Iterator[Finding]:
    """The API server takes one version of the schema."""
    found = documents.pipeline.get("schemaVersion")
    if found != SCHEMA_VERSION:
        yield Finding(
            "schema-version",
            "schemaVersion",
            f"it is {found!r}, and open-source KFP takes {SCHEMA_VERSION} alone",
            "compile with use_pipeline_spec_2_1=True (compile_for_kubeflow does)",
        )


def pipeline_name(documents: Documents) -> Iterator[Finding]:
    """The name goes into the names of Kubernetes objects."""
    name = text(inside(documents.pipeline, "pipelineInfo"), "name")
    if not NAME.fullmatch(name):
        yield Finding(
            "pipeline-name",
            "pipelineInfo.name",
            f"{name!r} is no name that KFP takes",
            "use at most 128 lower-case letters, digits and hyphens, with a letter or digit at both ends",
        )


def pipeline_root(documents: Documents) -> Iterator[Finding]:
    """Where a file with TFX tasks names no root, each run has to, and a schedule forgets it.

    Other tasks work on copies that KFP's launcher makes, so that any root of KFP's does for them.
    """
    if not any(task.executor_class for task in tasks_of(documents.pipeline)):
        return
    root = documents.pipeline.get("defaultPipelineRoot")
    if not root:
        yield Finding(
            "pipeline-root",
            "defaultPipelineRoot",
            "it is missing, so that a run that names no root keeps its artifacts where TFX's executors cannot open them",
            "finish the pipeline with the setting pipeline_root",
        )
    elif fault := root_fault(str(root)):
        yield Finding("pipeline-root", "defaultPipelineRoot", *fault.split("; ", 1))


def root_inputs(documents: Documents) -> Iterator[Finding]:
    """A parameter without a default fails each run that does not give it."""
    for name, spec in entries(documents.pipeline, "root", "inputDefinitions", "parameters"):
        if "defaultValue" not in spec and not spec.get("isOptional"):
            yield Finding(
                "root-input",
                f"parameter {name}",
                "it is not optional and has no default, so that a run without it is refused",
                "give its RuntimeParameter a default, or set it in the setting parameters",
            )
        if "parameterType" not in spec and "type" not in spec:
            yield Finding(
                "root-input",
                f"parameter {name}",
                "it has no type, and KFP refuses every run",
                "give its RuntimeParameter a ptype",
            )


def no_tasks(documents: Documents) -> Iterator[Finding]:
    """A pipeline runs something."""
    if not inside(documents.pipeline, "root", "dag", "tasks"):
        yield Finding("no-tasks", "root.dag.tasks", "there is no task", "compile a pipeline that has components")


PIPELINE_RULES: tuple[Callable[[Documents], Iterator[Finding]], ...] = (
    schema_version,
    pipeline_name,
    pipeline_root,
    root_inputs,
    no_tasks,
)
