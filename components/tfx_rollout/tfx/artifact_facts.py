"""Facts on artifacts: custom properties that survive Kubeflow, and files below the uri."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tfx import types
from tfx.types import artifact_utils
from tfx.utils import io_utils

Artifacts = Mapping[str, Sequence[types.Artifact]]

SAFE_INTEGER = 1 << 53
"""Kubeflow hands numbers on as doubles: from here on an integer would come out as another one."""


def only(artifacts: Artifacts, key: str) -> types.Artifact:
    """The one artifact under a key."""
    return artifact_utils.get_single_instance(list(artifacts[key]))


def maybe(artifacts: Artifacts, key: str) -> types.Artifact | None:
    """The artifact under a key, or None where nothing is connected or nothing came."""
    return only(artifacts, key) if artifacts.get(key) else None


def set_facts(artifact: types.Artifact, **facts: str | int) -> None:
    """Writes custom properties, text and integers."""
    for name, value in facts.items():
        if isinstance(value, str):
            artifact.set_string_custom_property(name, value)
        else:
            artifact.set_int_custom_property(name, int(value))


def flag(artifact: types.Artifact, name: str) -> bool | None:
    """A 0/1 property; None where it was never written."""
    return artifact.get_int_custom_property(name) == 1 if artifact.has_custom_property(name) else None


def text(artifact: types.Artifact, name: str) -> str:
    """A text property; empty where it was never written."""
    return artifact.get_string_custom_property(name) if artifact.has_custom_property(name) else ""


def number(artifact: types.Artifact, name: str) -> int:
    """An integer property; 0 where it was never written."""
    return artifact.get_int_custom_property(name) if artifact.has_custom_property(name) else 0


def write_json_file(artifact: types.Artifact, name: str, document: Mapping[str, Any]) -> None:
    """Writes a JSON file below the artifact's uri, wherever that is."""
    write_text_file(artifact, name, json.dumps(document, indent=2) + "\n")


def write_text_file(artifact: types.Artifact, name: str, text: str) -> None:
    """Writes a text file below the artifact's uri, wherever that is."""
    io_utils.write_string_file(os.path.join(artifact.uri, name), text)  # noqa: PTH118


def write_mark(artifact: types.Artifact, name: str) -> None:
    """Writes the empty file by which TFX's own components know a blessing."""
    io_utils.write_string_file(os.path.join(artifact.uri, name), "")  # noqa: PTH118
