"""What is live, as a configuration for model servers that a supervisor does not start: more of them, elsewhere.

Each model is served in its live version alone, so that a request that names only the model
is answered by it. A promotion or a rollback changes the number, and TensorFlow Serving loads
the new version before it lets the old one go. Candidates are not in it: what such servers
answer is no evidence, so they must not spread what has not been proven.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from tfx_rollout.errors import RolloutError
from tfx_rollout.model_store import ModelStore
from tfx_rollout.model_store.control_file import make_folder, write_text
from tfx_rollout.serving.model_config import ServedModel, render_model_config

log = logging.getLogger("tfx_rollout.serving")


@dataclass(frozen=True)
class _Known:
    """A model's desired state as it was read last."""

    generation: int
    served: ServedModel | None


class LiveConfig:
    """Keeps `file` a configuration of what is live in `store`. It reads the store and writes nothing else."""

    def __init__(self, store: ModelStore, file: Path) -> None:
        self._store, self._file = store, file
        self._known: dict[str, _Known] = {}
        self._told: dict[str, str] = {}
        self._written: str | None = None

    def refresh(self) -> bool:
        """Reads every model's desired state, and writes the file when it says anything new; whether it did.

        A desired state that is lost, damaged or older than the one before counts as that one: what
        serves goes on. Raises `StorageFault` when the root cannot be read or the file not be written.
        """
        for name in self._store.models():
            try:
                self._take(name)
                self._told.pop(name, None)
            except RolloutError as fault:
                if self._told.get(name) != str(fault):
                    log.warning("%s What serves goes on.", fault)
                self._told[name] = str(fault)
        text = render_model_config([known.served for _, known in sorted(self._known.items()) if known.served is not None])
        if text == self._written:
            return False
        make_folder(self._file.parent)
        write_text(self._file, text)
        self._written = text
        return True

    def served(self) -> dict[str, int]:
        """The live version of each model that has one, as it was written last."""
        return {name: known.served.versions[0] for name, known in sorted(self._known.items()) if known.served is not None}

    def _take(self, name: str) -> None:
        base = self._store.model(name)
        desired = base.desired()
        former = self._known.get(name)
        if former is not None and desired.generation < former.generation:
            return
        served = None if desired.stable is None else ServedModel(name, base.path, (desired.stable,))
        self._known[name] = _Known(desired.generation, served)
