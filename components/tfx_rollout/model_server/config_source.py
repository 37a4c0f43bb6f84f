"""Polls the file of `--model_config_file` and applies what changed."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from tfx_rollout.model_server.config_proto import BadTextProto, read_server_config
from tfx_rollout.model_server.core import ServerCore
from tfx_rollout.model_server.status import ServingError

_log = logging.getLogger(__name__)


class ConfigSource:
    """Reads the file every `wait_s` seconds and applies it, also when it did not change.

    So a label refused because its version was not AVAILABLE yet is set at a later poll,
    and the file overrides what a HandleReloadConfigRequest changed. Unlike the stock
    server it does not wait for new models: one that never loads must not keep later
    changes of the file from being seen. A file that is refused changes nothing.
    """

    def __init__(self, core: ServerCore, path: Path, wait_s: float) -> None:
        self._core = core
        self._path = path
        self._wait_s = wait_s
        self._stopped = threading.Event()
        self._last_error = ""
        self._thread = threading.Thread(target=self._run, name="config poll", daemon=True)

    def start(self) -> None:
        """Starts polling."""
        self._thread.start()

    def stop(self) -> None:
        """Ends polling."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._wait_s):
            error = ""
            try:
                self._core.reload(read_server_config(self._path), wait=False)
            except BadTextProto as bad:
                error = f"Failed to read ModelServerConfig file: {bad.message} ({bad.detail})"
            except ServingError as refused:
                error = f"PollFilesystemAndReloadConfig failed to ReloadConfig: {refused.message}"
            if error and error != self._last_error:
                _log.error("%s", error)
            self._last_error = error
