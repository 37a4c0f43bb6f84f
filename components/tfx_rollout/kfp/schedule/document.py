"""The file that declares recurring runs (YAML or JSON): its fields, its JSON Schema, and the way to `Wanted`.

experiment: taxi
schedules:
  - name: taxi-nightly
    cron: "0 30 2 * * *"
    pipeline: {name: taxi}
    pipeline_root: gs://bucket/taxi
    parameters: {data_until: "[[ScheduledTime]]"}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from tfx_rollout.kfp.schedule.macros import macro_faults
from tfx_rollout.kfp.schedule.wanted import LATEST, PipelineChoice, Wanted
from tfx_rollout.schedule.document import (
    Section,
    TriggerSection,
    fixed,
    name_faults,
    parsed,
    read_file,
    schema_of,
    trigger_faults,
)

_ROOTS = ("gs://", "s3://", "minio://", "oci://")
_LONGEST_NAME = 128


def _text(given: object) -> object:
    if isinstance(given, str) and not given.strip():
        raise ValueError("is empty; give a text")
    return given.strip() if isinstance(given, str) else given


def _root(given: object) -> object:
    if isinstance(given, str) and not any(given.startswith(root) and len(given) > len(root) for root in _ROOTS):
        raise ValueError(f"is no place that Kubeflow Pipelines can write to; give one that begins with {', '.join(_ROOTS)}")
    return given


Text = Annotated[str, Field(max_length=_LONGEST_NAME), BeforeValidator(_text)]


class PipelineSection(Section):
    """Which pipeline runs: one that was uploaded, by name or by id."""

    name: Text | None = Field(None, description="The name under which it was uploaded. Give it or `id`.")
    id: Text | None = Field(None, description="Its id. Give it or `name`.")
    version: Text | None = Field(
        None,
        description=f"The name of a version, which pins it, or {LATEST!r} (the default) for the newest one at each start.",
    )
    version_id: Text | None = Field(None, description="The id of a version, which pins it.")


class ScheduleSection(TriggerSection):
    """One recurring run."""

    name: Text = Field(description="Its display name, by which it is known: one of each name is kept on the server.")
    description: str = Field("", max_length=1000, description="Shown in the user interface.")
    experiment: Text | None = Field(None, description="The experiment that its runs belong to. By default the file's.")
    pipeline: PipelineSection
    pipeline_root: Annotated[str, BeforeValidator(_root), Field(examples=["gs://bucket/taxi"])] = Field(
        description="Where its runs write; a bucket."
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="The pipeline's parameters. Texts may have macros such as [[ScheduledTime]]."
    )
    service_account: Text | None = Field(None, description="The Kubernetes service account of its runs. By default the server's.")
    enabled: bool = Field(True, description="Whether it starts runs.")
    max_concurrency: Annotated[
        int, fixed(1, "two runs at once would train the same model twice and start two canaries on it")
    ] = Field(1, description="Always 1.")
    catch_up: Annotated[
        bool, fixed(False, "after a pause Kubeflow Pipelines would start every run that was missed, one after the other")
    ] = Field(False, description="Always false: what was missed is not made up for.")
    caching: Annotated[
        bool, fixed(False, "a retraining that is answered from the cache trains nothing, and a push that is pushes nothing")
    ] = Field(False, description="Always false, and checked of the pipeline too.")


class SchedulesDocument(Section):
    """Recurring runs of Kubeflow Pipelines."""

    namespace: Text | None = Field(None, description="The Kubernetes namespace, where Kubeflow has several users.")
    experiment: Text | None = Field(None, description="The experiment of schedules that name none.")
    schedules: Annotated[list[ScheduleSection], Field(min_length=1)]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    return schema_of(SchedulesDocument)


def load_schedules(path: Path) -> tuple[str | None, tuple[Wanted, ...]]:
    """Namespace and schedules of a file. `InvalidPlan` names every fault; `NotFound`, `StorageFault`."""
    what = f"The schedule file {path}"
    return schedules_from_dict(read_file(path, what), what=what)


def schedules_from_dict(content: object, *, what: str = "The schedules") -> tuple[str | None, tuple[Wanted, ...]]:
    """Namespace and schedules of a document. `InvalidPlan` names every fault of every schedule."""
    document = parsed(SchedulesDocument, content, what=what, between=_between_fields)
    return document.namespace, tuple(_wanted(schedule, document.experiment or "") for schedule in document.schedules)


def _wanted(schedule: ScheduleSection, experiment: str) -> Wanted:
    chosen = schedule.pipeline
    version = None if chosen.version_id is not None else chosen.version or LATEST
    return Wanted(
        name=schedule.name,
        experiment=schedule.experiment or experiment,
        pipeline=PipelineChoice(chosen.name, chosen.id, version, chosen.version_id),
        pipeline_root=schedule.pipeline_root,
        trigger=schedule.trigger(),
        parameters=dict(schedule.parameters),
        description=schedule.description.strip(),
        service_account=schedule.service_account,
        enabled=schedule.enabled,
    )


def _between_fields(content: Mapping[Any, Any]) -> list[str]:
    found = content.get("schedules")
    schedules = found if isinstance(found, list) else []
    faults = name_faults(schedules, "schedules")
    for number, schedule in enumerate(schedules):
        if isinstance(schedule, Mapping):
            place = f"schedules[{number}]"
            faults += trigger_faults(schedule, place)
            faults += _experiment_faults(schedule, content, place)
            faults += _pipeline_faults(schedule.get("pipeline"), f"{place}.pipeline")
            parameters = schedule.get("parameters")
            if isinstance(parameters, Mapping):
                faults += macro_faults(parameters, f"{place}.parameters")
                faults += _parameter_faults(parameters, f"{place}.parameters")
    return faults


def _experiment_faults(schedule: Mapping[Any, Any], content: Mapping[Any, Any], place: str) -> list[str]:
    if schedule.get("experiment") is None and content.get("experiment") is None:
        return [f"{place}.experiment is missing, and the file names none; add it"]
    return []


def _pipeline_faults(pipeline: object, place: str) -> list[str]:
    if not isinstance(pipeline, Mapping):
        return []
    faults = []
    if (pipeline.get("name") is None) == (pipeline.get("id") is None):
        faults.append(f"{place} must have either a name or an id; give one of them")
    if pipeline.get("version") is not None and pipeline.get("version_id") is not None:
        faults.append(f"{place} has both version and version_id; give one of them")
    return faults


def _parameter_faults(parameters: Mapping[Any, Any], place: str) -> list[str]:
    """YAML reads dates as such, which no parameter can be."""
    return [
        f"{place}.{name} is {value!r}, which is no JSON value; {'correct it' if isinstance(value, float) else 'put it in quotes'}"
        for name, value in parameters.items()
        if not _is_json(value)
    ]


def _is_json(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_json(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    return value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))
