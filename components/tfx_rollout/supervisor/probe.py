"""Asking one model server what it holds, in the background, so that a hanging one holds nobody up."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from tfx_rollout.errors import ServerFailed
from tfx_rollout.serving import ModelServerClient, ModelServerProcess, VersionStatus

TIMEOUT_S = 1.0
"""Seconds that a server gets for each answer."""


@dataclass(frozen=True)
class Answers:
    """What a server said at `at` (seconds on the monotonic clock)."""

    versions: Mapping[int, VersionStatus]
    labels: Mapping[str, int]
    at: float


class Probe:
    """The questions to one server process: at most one round of them is under way."""

    def __init__(self, process: ModelServerProcess, model: str, executor: Executor) -> None:
        self._process = process
        self._client = ModelServerClient(process.rest_address, timeout_s=TIMEOUT_S)
        self._model = model
        self._executor = executor
        self._running: Future[Answers] | None = None
        self.answers: Answers | None = None
        """The newest answers; None until the server has answered once."""
        self.lacks_rest_since: float | None = None
        """Since when, on the monotonic clock, it has been seen to serve gRPC alone."""

    def ask(self, labels: Collection[str]) -> Future[Answers] | None:
        """Begins a round about the versions and these labels; None until the last one was collected."""
        if self._running is not None:
            return None
        self._running = self._executor.submit(self._round, frozenset(labels))
        return self._running

    def collect(self) -> None:
        """Takes over the answers of a round that has ended; a server that did not answer changes nothing."""
        if self._running is None or not self._running.done():
            return
        finished, self._running = self._running, None
        error = finished.exception()
        if error is None:
            self.answers = finished.result()
        elif not isinstance(error, ServerFailed):
            raise error

    def close(self) -> None:
        """Closes the connections; a round under way ends by itself."""
        self._client.close()

    def _round(self, labels: frozenset[str]) -> Answers:
        at = time.monotonic()
        try:
            versions = self._client.version_states(self._model)
        except ServerFailed:
            if not self._process.lacks_rest():
                self.lacks_rest_since = None
            elif self.lacks_rest_since is None:
                self.lacks_rest_since = at
            raise
        self.lacks_rest_since = None
        named = {label: self._client.label_version(self._model, label) for label in sorted(labels)}
        return Answers(versions, {label: version for label, version in named.items() if version is not None}, at)
