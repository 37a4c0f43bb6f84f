"""Watches the base paths of all models and says which versions should be served."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tfx_rollout.model_server.aspired import aspired_versions
from tfx_rollout.model_server.model_config import ModelConfig

_log = logging.getLogger(__name__)

SetAspired = Callable[[str, Mapping[int, Path]], None]


class StorageSource:
    """Polls the file system every `wait_s` seconds and after each change of the models.

    A wait of 0 polls only after changes, a negative one never. As in TensorFlow Serving
    one missing base path drops the whole cycle: nothing is unloaded because storage is
    away for a moment.
    """

    def __init__(self, set_aspired: SetAspired, wait_s: float) -> None:
        self._set_aspired = set_aspired
        self._wait_s = wait_s
        self._models: Sequence[ModelConfig] = ()
        self._polling = threading.Lock()
        self._stopped = threading.Event()
        self._warned: frozenset[str] = frozenset()
        self._thread = threading.Thread(target=self._run, name="storage poll", daemon=True)

    def start(self) -> None:
        """Starts polling."""
        if self._wait_s > 0:
            self._thread.start()

    def stop(self) -> None:
        """Ends polling."""
        self._stopped.set()

    def watch(self, models: Sequence[ModelConfig]) -> None:
        """Replaces the watched models; those no longer named lose all versions at once."""
        with self._polling:
            gone = {m.name for m in self._models} - {m.name for m in models}
            self._models = tuple(models)
            for name in gone:
                self._set_aspired(name, {})
            if self._wait_s >= 0:
                self._poll()

    def _run(self) -> None:
        while not self._stopped.wait(self._wait_s):
            with self._polling:
                self._poll()

    def _poll(self) -> None:
        found: dict[str, Mapping[int, Path]] = {}
        warnings: list[str] = []
        try:
            for model in self._models:
                children = [child.name for child in Path(model.base_path).iterdir()]
                aspired = aspired_versions(model.name, model.base_path, model.policy, children)
                warnings += aspired.warnings
                found[model.name] = {v: Path(model.base_path, child) for v, child in aspired.versions.items()}
        except OSError as error:
            warnings = [
                "FileSystemStoragePathSource encountered a filesystem access error: Could not find base path "
                f"{model.base_path} for servable {model.name} with error {error.strerror}"
            ]
            found.clear()
        self._warn_once(warnings)
        for name, versions in found.items():
            self._set_aspired(name, versions)

    def _warn_once(self, warnings: Sequence[str]) -> None:
        """Logs what was not already true at the last poll, so that a poll a second does not fill the log."""
        for warning in warnings:
            if warning not in self._warned:
                _log.warning("%s", warning)
        self._warned = frozenset(warnings)
