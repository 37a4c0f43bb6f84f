"""What a file declares of recurring runs, and the form that a Kubeflow Pipelines server is given of it. Values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfx_rollout.schedule import Trigger

LATEST = "latest"
"""The version of a pipeline that each run takes anew."""
_MARK = "Kept by tfx-rollout; change the file, not this."
_NO_ACCOUNT = "Service account: the server's."


@dataclass(frozen=True)
class PipelineChoice:
    """A pipeline by name or id, and a version by name or id; `latest` for the newest one at each start."""

    name: str | None = None
    id: str | None = None
    version: str | None = LATEST
    version_id: str | None = None

    def __str__(self) -> str:
        version = self.version if self.version_id is None else f"id {self.version_id}"
        return f"{self.name or f'id {self.id}'}, version {version}"


@dataclass(frozen=True)
class Wanted:
    """One recurring run as it is declared. Concurrency 1, no catch-up and no caching are not declared: they are so."""

    name: str
    experiment: str
    pipeline: PipelineChoice
    pipeline_root: str
    trigger: Trigger
    parameters: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    service_account: str | None = None
    """None: the one that the server gives."""
    enabled: bool = True


@dataclass(frozen=True)
class Form:
    """A recurring run in the server's terms, with ids in the place of names. The mode is not part of it."""

    name: str
    experiment_id: str
    pipeline_id: str
    version_id: str | None
    """None: the latest one at each start."""
    pipeline_root: str
    parameters: Mapping[str, Any]
    trigger: Trigger
    description: str = ""
    service_account: str | None = None
    max_concurrency: int = 1
    no_catchup: bool = True
    embedded: bool = False
    """Whether it carries a pipeline of its own in the place of a reference. Never so of what is wanted."""

    @property
    def marked_description(self) -> str:
        """The description with the line by which we know our own."""
        mark = _MARK if self.service_account is not None else f"{_MARK} {_NO_ACCOUNT}"
        return f"{self.description}\n\n{mark}" if self.description else mark


def unmarked(description: str) -> tuple[str, bool, bool]:
    """A description without our mark; whether it has one; whether the mark says that the server chose the service account."""
    text, found, rest = description.rpartition(_MARK)
    if not found:
        return description, False, False
    return text.strip(), True, rest.strip() == _NO_ACCOUNT
