"""The root of everything on disk: one folder a model, and what is rendered from them."""

from __future__ import annotations

import re
from pathlib import Path

from tfx_rollout.errors import InvalidInput
from tfx_rollout.model_store.base_path import BasePath
from tfx_rollout.model_store.faults import storage_faults

RESERVED = frozenset({"models", "gateway", "processes"})
"""Folders of the root that are no models."""

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")


class ModelStore:
    """All models under one root. Making one reads and writes nothing.

    What belongs to one host alone (rendered files, logs, records of processes) lies in
    `local`, the root itself unless several hosts share it.
    """

    def __init__(self, root: Path, *, local: Path | None = None) -> None:
        self.root = Path(root)
        self.local = self.root if local is None else Path(local)
        self.models_dir = self.local / "models"
        self.gateway_dir = self.local / "gateway"
        self.processes_dir = self.local / "processes"
        self.lease_dir = self.root / ".lease"
        self.access_dir = self.root / ".access"

    def __repr__(self) -> str:
        return f"ModelStore({str(self.root)!r})"

    def models(self) -> list[str]:
        """Names of the models that are there: folders with a numbered entry or with control files. Raises `StorageFault`."""
        with storage_faults(self.root, "read"):
            try:
                folders = list(self.root.iterdir())
            except FileNotFoundError:
                return []
            names = sorted(folder.name for folder in folders if is_model_name(folder.name))
            return [name for name in names if BasePath(self, name).exists()]

    def model(self, name: str) -> BasePath:
        """The model's base path, whether or not it is there yet. Raises `InvalidInput` for a name that cannot be one."""
        if not is_model_name(name):
            raise InvalidInput(
                f"{name!r} cannot be a model's name; give 1 to 64 letters, digits, '_', '-' or '.', "
                f"not beginning with '.', and none of {', '.join(sorted(RESERVED))}."
            )
        return BasePath(self, name)


def is_model_name(name: str) -> bool:
    """Whether a model, or its folder, can have this name."""
    return _NAME.fullmatch(name) is not None and name not in RESERVED
