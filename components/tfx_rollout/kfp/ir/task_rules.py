"""Rules on each task: what runs it, where its inputs come from, and what KFP would drop of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from tfx_rollout.kfp.ir.document import Documents
from tfx_rollout.kfp.ir.finding import Finding
from tfx_rollout.kfp.ir.tasks import ENTRYPOINT, EXECUTOR_FLAG, KINDS, Task, tasks_of

TITLE = re.compile(r"^[a-z][a-z0-9-_]{2,20}[.][A-Z][a-zA-Z0-9-_]{2,49}$")
"""The title of an artifact type: a package and a class in it, since it is imported under this name."""
KFP_TITLES = ("system.", "google.")


def executors(documents: Documents) -> Iterator[Finding]:
    """Open-source KFP runs containers and importers; every task needs one, or a DAG of its own."""
    for task in tasks_of(documents.pipeline):
        reference = task.spec.get("componentRef", {}).get("name")
        if not task.component:
            yield Finding("component", task.node, f"its component {reference!r} is not there", "compile the pipeline anew")
        elif "dag" in task.component:
            continue
        elif "resolver" in task.executor:
            yield Finding(
                "resolver",
                task.node,
                "it is a Resolver, which open-source KFP does not run",
                "use tfx_rollout.LiveModel in its place where it gives the Evaluator its baseline, else an Importer",
            )
        elif not any(kind in task.executor for kind in ("container", "importer")):
            kind = next((kind for kind in KINDS if kind in task.executor), None)
            fault = f"its executor is a {kind}" if kind else f"its executor {task.executor_label!r} is not there"
            yield Finding(
                "executor", task.node, f"{fault}, and open-source KFP runs containers and importers alone", "use one of those"
            )


def lifecycle_hooks(documents: Documents) -> Iterator[Finding]:
    """Nothing in open-source KFP reads a container's hooks."""
    for task in tasks_of(documents.pipeline):
        if task.container.get("lifecycle"):
            yield Finding(
                "lifecycle",
                task.node,
                "its container has a lifecycle hook, which open-source KFP never runs",
                "finish the pipeline: our entrypoint resolves spans and versions itself",
            )


def container_images(documents: Documents) -> Iterator[Finding]:
    """A container needs an image."""
    for task in tasks_of(documents.pipeline):
        if "container" in task.executor and not str(task.container.get("image") or "").strip():
            yield Finding("image", task.node, "its container has no image", "finish the pipeline with the setting image")


def entrypoints(documents: Documents) -> Iterator[Finding]:
    """A TFX task that another entrypoint runs fails at its first artifact, whose type KFP leaves out."""
    for task in tasks_of(documents.pipeline):
        command = tuple(task.container.get("command", ()))
        if task.executor_class and command != ENTRYPOINT:
            shown = " ".join(command) or "the image's own"
            yield Finding(
                "entrypoint",
                task.node,
                f"its command is {shown!r}, which does not understand artifacts as open-source KFP hands them over",
                f"finish the pipeline, which sets {' '.join(ENTRYPOINT)!r}",
            )


def inputs_specs(documents: Documents) -> Iterator[Finding]:
    """A TFX task learns the types of its inputs from its own arguments."""
    for task in tasks_of(documents.pipeline):
        if task.executor_class and "--json_serialized_inputs_spec_args" not in task.container.get("args", ()):
            yield Finding(
                "inputs-spec",
                task.node,
                f"its arguments have {EXECUTOR_FLAG} but not --json_serialized_inputs_spec_args",
                "compile with use_pipeline_spec_2_1=True (compile_for_kubeflow does)",
            )


def caching(documents: Documents) -> Iterator[Finding]:
    """A cached deployment succeeds and deploys nothing."""
    for task in tasks_of(documents.pipeline):
        if task.deploys and task.spec.get("cachingOptions", {}).get("enableCache"):
            yield Finding(
                "caching",
                task.node,
                "it may be answered from the cache, and would then succeed and deploy nothing",
                "compile with enable_cache=False, or finish the pipeline",
            )


def legacy_parameters(documents: Documents) -> Iterator[Finding]:
    """What schema 2.0 had, schema 2.1 does not read."""
    definitions = {"root": documents.pipeline.get("root", {}), **documents.pipeline.get("components", {})}
    for owner, component in definitions.items():
        for side in ("inputDefinitions", "outputDefinitions"):
            for name, spec in component.get(side, {}).get("parameters", {}).items():
                if "type" in spec and "parameterType" not in spec:
                    yield Finding(
                        "legacy-parameter",
                        f"{owner} parameter {name}",
                        "it has 'type' of schema 2.0, which KFP does not read",
                        "compile with use_pipeline_spec_2_1=True",
                    )
    for task in tasks_of(documents.pipeline):
        for name, given in task.spec.get("inputs", {}).get("parameters", {}).items():
            if "constantValue" in given.get("runtimeValue", {}):
                yield Finding(
                    "legacy-parameter",
                    f"{task.node} parameter {name}",
                    "it has 'constantValue' of schema 2.0, which KFP does not read",
                    "compile with use_pipeline_spec_2_1=True",
                )


def producers(documents: Documents) -> Iterator[Finding]:
    """Every task that another one names is in the same DAG, and gives what is asked of it."""
    for task in tasks_of(documents.pipeline):
        for name in task.producers:
            if name in task.siblings:
                continue
            known = name.removesuffix("_task")
            mend = "finish the pipeline, which names the task as it is called" if known in task.siblings else "compile it anew"
            yield Finding("producer", task.node, f"it takes something from the task {name!r}, which is not there", mend)


def parameter_sources(documents: Documents) -> Iterator[Finding]:
    """A parameter from the pipeline is one that the pipeline has."""
    components = documents.pipeline.get("components", {})
    for task in tasks_of(documents.pipeline):
        owner = documents.pipeline.get("root", {}) if task.dag == "root" else components.get(task.dag, {})
        known = owner.get("inputDefinitions", {}).get("parameters", {})
        for name, given in task.spec.get("inputs", {}).get("parameters", {}).items():
            source = given.get("componentInputParameter")
            if source is not None and source not in known:
                yield Finding(
                    "parameter",
                    f"{task.node} parameter {name}",
                    f"it takes the pipeline's parameter {source!r}, which is not there",
                    "compile the pipeline anew",
                )


def cycles(documents: Documents) -> Iterator[Finding]:
    """Tasks that wait for each other never start."""
    by_dag: dict[str, dict[str, Task]] = {}
    for task in tasks_of(documents.pipeline):
        by_dag.setdefault(task.dag, {})[task.name] = task
    for tasks in by_dag.values():
        waiting = {name: {p for p in task.producers if p in tasks} for name, task in tasks.items()}
        while free := [name for name, producers in waiting.items() if not producers & set(waiting)]:
            for name in free:
                del waiting[name]
        # What waits for a circle from outside is no part of it.
        while ends := [name for name in waiting if not any(name in producers for producers in waiting.values())]:
            for name in ends:
                del waiting[name]
        if waiting:
            names = ", ".join(sorted(waiting))
            first = tasks[min(waiting)]
            yield Finding("cycle", first.node, f"it waits for itself by way of {names}", "take one of these dependencies away")


def artifact_titles(documents: Documents) -> Iterator[Finding]:
    """A custom artifact type is imported under its title, and MLMD is told of it under the same."""
    for owner, component in documents.pipeline.get("components", {}).items():
        for side in ("inputDefinitions", "outputDefinitions"):
            for key, spec in component.get(side, {}).get("artifacts", {}).items():
                title = _title(spec.get("artifactType", {}))
                if not title.startswith(KFP_TITLES) and not TITLE.match(title):
                    yield Finding(
                        "artifact-title",
                        f"{owner} artifact {key}",
                        f"the title {title!r} of its type is no 'package.Class' with exactly one dot",
                        "name the type so in TYPE_NAME, with a package of 3 to 21 small letters, digits, - or _",
                    )


def _title(artifact_type: Mapping[str, Any]) -> str:
    if "schemaTitle" in artifact_type:
        return str(artifact_type["schemaTitle"])
    try:
        schema = yaml.safe_load(str(artifact_type.get("instanceSchema", "")))
    except yaml.YAMLError:
        return ""
    return str(schema.get("title", "")) if isinstance(schema, Mapping) else ""


TASK_RULES: tuple[Callable[[Documents], Iterator[Finding]], ...] = (
    executors,
    lifecycle_hooks,
    container_images,
    entrypoints,
    inputs_specs,
    caching,
    legacy_parameters,
    producers,
    parameter_sources,
    cycles,
    artifact_titles,
)
