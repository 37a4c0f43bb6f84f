"""What is live now, as a step: the baseline of the models that come."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tfx_rollout.model_store import BasePath


@dataclass(frozen=True)
class Live:
    """The version that is live; `version` and `path` are None, and `digest` is empty, while nothing is."""

    version: int | None
    path: Path | None
    digest: str
    generation: int

    @property
    def live(self) -> bool:
        """Whether any version is live."""
        return self.version is not None


def live_version(base: BasePath) -> Live:
    """The version that is to serve everybody by the model's desired state. Raises `NotFound` where its folder is gone."""
    state = base.desired()
    if state.stable is None:
        return Live(None, None, "", state.generation)
    manifest = base.manifest(state.stable)
    return Live(state.stable, base.version_path(state.stable), manifest.digest if manifest else "", state.generation)
