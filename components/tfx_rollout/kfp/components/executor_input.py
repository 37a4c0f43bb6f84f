"""The artifacts that a task of Kubeflow Pipelines was given, read from its executor input (`{{$}}`). Imports no kfp.

A path placeholder of an artifact that was not given stays as it is, and the placeholder for
"if present" looks at parameters only. So a component with artifacts that may be left out
hands the command the whole executor input.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfx_rollout.errors import InvalidInput

_MOUNTS = {"gs://": "/gcs/", "minio://": "/minio/", "s3://": "/s3/"}
"""Where the launcher puts what lies in an object store."""
WORKSPACE_MARK, WORKSPACE = "_kfp_workspace", "/kfp-workspace/.artifacts"
"""How it marks what lies in the run's own volume instead, and where that is."""


@dataclass(frozen=True)
class TaskArtifact:
    """One input artifact: its files on this machine, and what is written on it."""

    path: Path
    metadata: Mapping[str, Any] = field(default_factory=dict)


def input_artifacts(executor_input: str | None) -> dict[str, TaskArtifact]:
    """The input artifacts by name; none for None. `InvalidInput` for text that is no executor input."""
    if executor_input is None:
        return {}
    try:
        lists = json.loads(executor_input).get("inputs", {}).get("artifacts", {})
        return {name: _artifact(found["artifacts"][0]) for name, found in lists.items() if found.get("artifacts")}
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise InvalidInput(
            f"The executor input cannot be read ({fault!r}); give the component '{{{{$}}}}' as an argument of its own."
        ) from fault


def _artifact(found: Mapping[str, Any]) -> TaskArtifact:
    metadata = found.get("metadata") or {}
    path = found.get("customPath") or _local(found["uri"])
    return TaskArtifact(Path(WORKSPACE + path if metadata.get(WORKSPACE_MARK) else path), metadata)


def _local(uri: str) -> str:
    for scheme, mount in _MOUNTS.items():
        if uri.startswith(scheme):
            return mount + uri[len(scheme) :]
    return uri
