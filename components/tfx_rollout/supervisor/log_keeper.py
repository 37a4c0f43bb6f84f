"""Keeps the logs of all processes of a root within bounds: model servers', the gateway's, the API's."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path

from tfx_rollout.errors import StorageFault
from tfx_rollout.model_store import ModelStore
from tfx_rollout.serving.log_rotation import LOG_BYTES, rotate_log

log = logging.getLogger("tfx_rollout.supervisor")

LOOK_EVERY_S = 30.0
"""Seconds between two looks at their sizes."""


class LogKeeper:
    """Puts aside what grew too large, whichever process writes to it: all of them append, and open no log anew.

    `tick` returns at once; call it often. The work is done by the executor, since copying a log takes a moment.
    """

    def __init__(
        self,
        store: ModelStore,
        executor: Executor,
        *,
        over_bytes: int = LOG_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders = (store.models_dir, store.gateway_dir, store.processes_dir)
        self._executor, self._over_bytes, self._clock = executor, over_bytes, clock
        self._next_look = -math.inf
        self._look: Future[None] | None = None

    def tick(self) -> None:
        """Begins a look when its time has come, unless one is still under way."""
        now = self._clock()
        if now >= self._next_look and (self._look is None or self._look.done()):
            self._next_look = now + LOOK_EVERY_S
            self._look = self._executor.submit(self._put_aside)

    def _put_aside(self) -> None:
        for file in self._logs():
            try:
                rotate_log(file, over_bytes=self._over_bytes)
            except StorageFault as fault:
                log.warning("%s", fault)

    def _logs(self) -> Iterator[Path]:
        for folder in self._folders:
            yield from sorted(folder.glob("*.log"))
