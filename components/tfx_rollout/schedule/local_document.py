"""The file that declares schedules without Kubeflow (YAML or JSON): its fields, its JSON Schema, and the way to `LocalSchedule`.

schedules:
  - name: taxi-nightly
    cron: "0 30 2 * * *"
    command: [python, -m, taxi.run]
    cwd: ../pipelines
    timeout_seconds: 14400
    overlap: {root: /srv/models, model: taxi, on_overlap: wait}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

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
from tfx_rollout.schedule.local import TIMEOUT_SECONDS, LocalSchedule, Overlap
from tfx_rollout.schedule.overlap import WAIT_SECONDS, OnOverlap

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST = 30 * 86_400


def _name(given: object) -> object:
    if isinstance(given, str) and not _NAME.fullmatch(given):
        raise ValueError(
            "cannot name a folder or a unit; give 1 to 64 letters, digits, '_', '-' or '.', not beginning with '.' or '-'"
        )
    return given


def _command(given: object) -> object:
    if isinstance(given, str):
        raise ValueError("is one text; give the program and its arguments as a list, such as [make, retrain]")
    if isinstance(given, list) and given and not (given[0] and all(isinstance(part, str) and "\0" not in part for part in given)):
        raise ValueError("names no program, or has parts that are no texts; put numbers in quotes")
    return given


def _env(given: object) -> object:
    if isinstance(given, Mapping):
        for name, value in given.items():
            if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
                raise ValueError(f"has {name!r}, which cannot be the name of a variable")
            if not isinstance(value, str) or "\0" in value:
                raise ValueError(f"has {value!r} as {name}, which is no text; put it in quotes")
    return given


class OverlapSection(Section):
    """What a run does that finds a rollout of its model, or another retraining of it, on its way."""

    root: str = Field(min_length=1, description="The folder that `tfx-rollout serve` serves.")
    model: str = Field(min_length=1, description="The model that the run retrains.")
    on_overlap: OnOverlap = Field("wait", description="wait for it to end, supersede the rollout, or stop: do not begin.")
    wait_seconds: Annotated[float, Field(ge=0, le=_LONGEST, examples=[3600])] = Field(
        WAIT_SECONDS, description="How long to wait; then the run is not begun."
    )


class LocalScheduleSection(TriggerSection):
    """One command and when it runs."""

    name: Annotated[str, BeforeValidator(_name)] = Field(description="Its name, and that of its folder.")
    command: Annotated[list[str], Field(min_length=1, examples=[["make", "retrain"]]), BeforeValidator(_command)] = Field(
        description="The program and its arguments. No shell is between."
    )
    cwd: str | None = Field(None, description="The folder in which it runs, relative to the file's own, which is the default.")
    env: Annotated[dict[str, str], BeforeValidator(_env)] = Field(
        default_factory=dict, description="Variables that are set beside those of the scheduler."
    )
    timeout_seconds: Annotated[float, Field(gt=0, le=_LONGEST, examples=[14400])] = Field(
        TIMEOUT_SECONDS, description="A run that takes longer is ended."
    )
    enabled: bool = Field(True, description="Whether runs start.")
    overlap: OverlapSection | None = Field(None, description="Whether it keeps clear of rollouts. By default it does not look.")
    max_concurrency: Annotated[int, fixed(1, "a run that begins while the one before goes on would retrain beside it")] = Field(
        1, description="Always 1: a run is left out while the one before goes on."
    )
    catch_up: Annotated[bool, fixed(False, "runs that were missed would start one after the other")] = Field(
        False, description="Always false: what was missed is not made up for."
    )


class LocalDocument(Section):
    """Schedules that run without Kubeflow."""

    schedules: Annotated[list[LocalScheduleSection], Field(min_length=1)]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    return schema_of(LocalDocument)


def load_local_schedules(path: Path) -> tuple[LocalSchedule, ...]:
    """The schedules of a file. `InvalidPlan` names every fault; `NotFound`, `StorageFault`."""
    what = f"The schedule file {path}"
    content = read_file(path, what)
    folder = path.absolute().parent
    document = parsed(LocalDocument, content, what=what, between=lambda raw: _between_fields(raw, folder))
    return tuple(_schedule(section, folder) for section in document.schedules)


def _schedule(section: LocalScheduleSection, folder: Path) -> LocalSchedule:
    overlap = None
    if section.overlap is not None:
        found = section.overlap
        overlap = Overlap(str((folder / found.root).resolve()), found.model, found.on_overlap, found.wait_seconds)
    return LocalSchedule(
        name=section.name,
        trigger=section.trigger(),
        command=tuple(section.command),
        cwd=str((folder / (section.cwd or ".")).resolve()),
        env=dict(section.env),
        timeout_seconds=section.timeout_seconds,
        enabled=section.enabled,
        overlap=overlap,
    )


def _between_fields(content: Mapping[Any, Any], folder: Path) -> list[str]:
    found = content.get("schedules")
    schedules = found if isinstance(found, list) else []
    faults = name_faults(schedules, "schedules")
    for number, schedule in enumerate(schedules):
        if isinstance(schedule, Mapping):
            faults += trigger_faults(schedule, f"schedules[{number}]")
            cwd = schedule.get("cwd")
            if isinstance(cwd, str) and not (folder / cwd).is_dir():
                faults.append(
                    f"schedules[{number}].cwd is {cwd!r}, which is no folder ({(folder / cwd).resolve()}); make it, or correct it"
                )
    return faults
