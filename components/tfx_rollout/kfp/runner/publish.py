"""Numbers for what a run brings forth, as ML Metadata gives them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.artifacts import Artifact, stored_metadata
from tfx_rollout.kfp.runner.scope import Outputs
from tfx_rollout.kfp.runner.values import Value


class Publisher:
    """Gives each artifact and each execution of a run its number."""

    def __init__(self) -> None:
        self._artifacts, self._executions = count(1), count(1)

    def execution(self) -> int:
        """The number of a new execution."""
        return next(self._executions)

    def publish(self, parameters: Mapping[str, Value], artifacts: Mapping[str, Mapping[str, Any]]) -> Outputs:
        """The outputs as later tasks get them. Raises TaskFault for metadata that the store does not take."""
        published = {}
        for key, artifact in artifacts.items():
            try:
                metadata = stored_metadata(artifact.get("metadata", {}))
            except ValueError as fault:
                raise TaskFault(f"its output {key!r} cannot be published: {fault}") from fault
            published[key] = (Artifact(next(self._artifacts), artifact["uri"], metadata),)
        return Outputs(dict(parameters), published)
