"""The server behind its faces: configuration in, servables out (server_core.cc)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tfx_rollout.model_server.labels import LabelMap, label_map, version_of
from tfx_rollout.model_server.manager import Manager, VersionStatus
from tfx_rollout.model_server.model_config import ModelConfig, ServerConfig, check
from tfx_rollout.model_server.servable import Servable
from tfx_rollout.model_server.status import Code, ServingError
from tfx_rollout.model_server.storage_source import StorageSource

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelRequest:
    """A ModelSpec: the model and at most one of version and label. `signature` "" means the default one."""

    name: str
    version: int | None = None
    label: str | None = None
    signature: str = ""


class ServerCore:
    """Applies configurations to manager, storage source and labels; resolves requests."""

    def __init__(self, manager: Manager, source: StorageSource, *, allow_labels_for_unavailable: bool) -> None:
        self._manager = manager
        self._source = source
        self._allow_unavailable = allow_labels_for_unavailable
        self._labels: LabelMap = {}
        self._config: ServerConfig | None = None
        self._reloading = threading.Lock()

    def start(self, config: ServerConfig) -> None:
        """Applies the first configuration and waits, without limit, until each model has an AVAILABLE version.

        Raises ServingError UNKNOWN when all versions of a model ended by a failure.
        """
        models = self._apply(config)
        self._source.start()
        self._await([m.name for m in models], "servable(s)")
        self._refuse_logging(models)

    def reload(self, config: ServerConfig, *, wait: bool = True, timeout_s: float | None = None) -> None:
        """Replaces the configuration; with `wait` until each model with a new name is AVAILABLE.

        Raises ServingError; a refusal of labels or of the list itself changes nothing.
        The waiting blocks no other reload.
        """
        with self._reloading:
            known = {m.name for m in (self._config.models or ())} if self._config else set()
            models = self._apply(config)
        if wait:
            self._await([m.name for m in models if m.name not in known], "model(s)", timeout_s)
        self._refuse_logging(models)

    def _apply(self, config: ServerConfig) -> Sequence[ModelConfig]:
        models = check(config, self._config)
        if config.models is None:
            _log.info("Taking no action for empty config.")
            return ()
        self._labels = label_map(
            models,
            current=self._labels,
            available={m.name: self._manager.available(m.name) for m in models},
            allow_unavailable=self._allow_unavailable,
        )
        self._config = config
        self._source.watch(models)
        return models

    def _await(self, models: Sequence[str], what: str, timeout_s: float | None = None) -> None:
        failed = self._manager.wait_until_available(models, timeout_s)
        if not failed:
            return
        parts = ""
        for model, statuses in failed.items():
            version = max(statuses)
            error = statuses[version].error
            parts += f"{{{{name: {model} version: {version}}}" + (f" due to error: {error}" if error else "") + "}, "
        raise ServingError(Code.UNKNOWN, f"{len(failed)} {what} did not become available: {{{parts}}}")

    @staticmethod
    def _refuse_logging(models: Sequence[ModelConfig]) -> None:
        """The stock binary applies such a configuration, then refuses it; so does this server."""
        if any(m.has_logging for m in models):
            raise ServingError(Code.INVALID_ARGUMENT, "No request-logger-creator provided.")

    @contextmanager
    def use(self, request: ModelRequest) -> Iterator[Servable]:
        """The servable a request names, kept loaded while the block runs; ServingError otherwise."""
        if not request.name:
            raise ServingError(Code.INVALID_ARGUMENT, "ModelSpec has no name specified.")
        version = request.version
        if request.label is not None:
            version = version_of(self._labels, request.name, request.label)
        with self._manager.use(request.name, version) as servable:
            yield servable

    def statuses(self, name: str, version: int | None) -> Mapping[int, VersionStatus]:
        """States of a version, or of all versions of a model, highest first; ServingError NOT_FOUND without any."""
        statuses = self._manager.statuses(name)
        if version is not None:
            if version not in statuses:
                raise ServingError(Code.NOT_FOUND, f"Could not find version {version} of model {name}")
            return {version: statuses[version]}
        if not statuses:
            raise ServingError(Code.NOT_FOUND, f"Could not find any versions of model {name}")
        return dict(sorted(statuses.items(), reverse=True))
