"""Rules on what flows between tasks: parameters, artifacts and their types, and who waits for whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from tfx_rollout.kfp.ir.document import Documents
from tfx_rollout.kfp.ir.finding import Finding
from tfx_rollout.kfp.ir.reading import entries, inside, text
from tfx_rollout.kfp.ir.tasks import Task, tasks_of

TITLE = re.compile(r"^[a-z][a-z0-9-_]{2,20}[.][A-Z][a-zA-Z0-9-_]{2,49}$")
"""The title of an artifact type: a package and a class in it, since it is imported under this name."""
KFP_TITLES = ("system.", "google.")


def legacy_parameters(documents: Documents) -> Iterator[Finding]:
    """What schema 2.0 had, schema 2.1 does not read."""
    definitions = (("root", inside(documents.pipeline, "root")), *entries(documents.pipeline, "components"))
    for owner, component in definitions:
        for side in ("inputDefinitions", "outputDefinitions"):
            for name, spec in entries(component, side, "parameters"):
                if "type" in spec and "parameterType" not in spec:
                    yield Finding(
                        "legacy-parameter",
                        f"{owner} parameter {name}",
                        "it has 'type' of schema 2.0, which KFP does not read",
                        "compile with use_pipeline_spec_2_1=True",
                    )
    for task in tasks_of(documents.pipeline):
        for name, given in entries(task.spec, "inputs", "parameters"):
            if "constantValue" in inside(given, "runtimeValue"):
                yield Finding(
                    "legacy-parameter",
                    f"{task.node} parameter {name}",
                    "it has 'constantValue' of schema 2.0, which KFP does not read",
                    "compile with use_pipeline_spec_2_1=True",
                )


def iterators(documents: Documents) -> Iterator[Finding]:
    """Loops over artifacts are in the schema alone."""
    for task in tasks_of(documents.pipeline):
        if "artifactIterator" in task.spec:
            yield Finding(
                "iterator", task.node, "it loops over artifacts, which KFP does not do", "loop over a parameter, such as the uris"
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


def waiting(documents: Documents) -> Iterator[Finding]:
    """A task that does not wait for its producers starts with them, and finds nothing."""
    for task in tasks_of(documents.pipeline):
        for name in task.producers:
            if name in task.siblings and name not in task.waits_for:
                yield Finding(
                    "dependency",
                    task.node,
                    f"it reads an output of {name!r} but does not wait for it (dependentTasks)",
                    "finish the pipeline, which adds the dependency",
                )


def parameter_sources(documents: Documents) -> Iterator[Finding]:
    """A parameter from the pipeline is one that the pipeline has."""
    for task in tasks_of(documents.pipeline):
        owner = ("root",) if task.dag == "root" else ("components", task.dag)
        known = inside(documents.pipeline, *owner, "inputDefinitions", "parameters")
        for name, given in entries(task.spec, "inputs", "parameters"):
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
    for owner, component in entries(documents.pipeline, "components"):
        for side in ("inputDefinitions", "outputDefinitions"):
            for key, spec in entries(component, side, "artifacts"):
                title = _title(inside(spec, "artifactType"))
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
        schema = yaml.safe_load(text(artifact_type, "instanceSchema"))
    except yaml.YAMLError:
        return ""
    return text(inside(schema), "title")


FLOW_RULES: tuple[Callable[[Documents], Iterator[Finding]], ...] = (
    legacy_parameters,
    iterators,
    producers,
    waiting,
    parameter_sources,
    cycles,
    artifact_titles,
)
