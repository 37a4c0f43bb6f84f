"""Artifacts as they come back from KFP's metadata store, which changes them on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfx_rollout.kfp.runner.values import Value


@dataclass(frozen=True)
class Artifact:
    """One published artifact."""

    id: int
    uri: str
    metadata: Mapping[str, Value]

    def handed_on(self) -> dict[str, Any]:
        """The artifact in the next task's ExecutorInput.

        Its name is its number, and its type is empty: open-source KFP's driver does not
        know the schema any more ("figure out how to get schema" is what its source says).
        """
        return {
            "name": str(self.id),
            "uri": self.uri,
            "type": {"instanceSchema": ""},
            "metadata": dict(self.metadata),
        }


def stored_metadata(metadata: Mapping[str, Value]) -> dict[str, Value]:
    """Metadata after a way through ML Metadata: bools are numbers, lists and objects are wrapped.

    Raises ValueError for null, which the store does not take.
    """
    return {key: _stored(key, value) for key, value in metadata.items()}


def _stored(key: str, value: Value) -> Value:
    if value is None:
        raise ValueError(f"metadata {key!r} is null, which the metadata store does not take")
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return {"list": value}
    if isinstance(value, dict):
        return {"struct": value}
    return value
