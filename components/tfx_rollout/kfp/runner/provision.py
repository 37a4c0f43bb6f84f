"""Where a task is to put its outputs, as the driver decides it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

OUTPUT_FILE = "output_metadata.json"
"""The ExecutorOutput, beside the artifacts of the task."""


def provision(task_root: str, output_definitions: Mapping[str, Any], parameter_folder: Path) -> dict[str, Any]:
    """The `outputs` of the task's ExecutorInput. `task_root` is `<root>/<task>/<uuid>`."""
    outputs: dict[str, Any] = {}
    artifacts = {
        key: {"artifacts": [_artifact(key, f"{task_root}/{key}", spec)]}
        for key, spec in output_definitions.get("artifacts", {}).items()
    }
    parameters = {key: {"outputFile": str(parameter_folder / key)} for key in output_definitions.get("parameters", {})}
    if artifacts:
        outputs["artifacts"] = artifacts
    if parameters:
        outputs["parameters"] = parameters
    return {**outputs, "outputFile": f"{task_root}/{OUTPUT_FILE}"}


def make_parents(outputs: Mapping[str, Any]) -> None:
    """Makes the folder above each output. What the task itself must make is left to it, the artifact's own path included."""
    for parameter in outputs.get("parameters", {}).values():
        Path(parameter["outputFile"]).parent.mkdir(parents=True, exist_ok=True)
    for found in outputs.get("artifacts", {}).values():
        for artifact in found["artifacts"]:
            Path(artifact["uri"]).parent.mkdir(parents=True, exist_ok=True)


def forget(outputs: Mapping[str, Any]) -> None:
    """Takes away what a failed attempt left in files that are gone with its pod on a cluster."""
    for parameter in outputs.get("parameters", {}).values():
        Path(parameter["outputFile"]).unlink(missing_ok=True)
    Path(outputs["outputFile"]).unlink(missing_ok=True)


def _artifact(key: str, uri: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    artifact: dict[str, Any] = {"name": key, "uri": uri, "type": dict(spec.get("artifactType", {}))}
    if spec.get("metadata"):
        artifact["metadata"] = dict(spec["metadata"])
    return artifact
