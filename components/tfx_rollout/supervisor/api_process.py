"""The HTTP API as a process of its own: started, and started again when it dies.

It acts only through the files of the root, so that whatever becomes of it hurts no serving; and it ends with
the supervisor, however that ends. The supervisor holds the socket: requests that come while no process runs
wait for the next one, and nobody else can take the port meanwhile.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tfx_rollout.errors import PortInUse
from tfx_rollout.model_store import ModelStore
from tfx_rollout.model_store.faults import storage_faults
from tfx_rollout.serving.launcher import start_in_own_session
from tfx_rollout.serving.ports import listening
from tfx_rollout.serving.server_process import ServerProcess
from tfx_rollout.serving.tether import tethered
from tfx_rollout.supervisor.backoff import Backoff

log = logging.getLogger("tfx_rollout.supervisor")

PURPOSE = "the HTTP API's port"
FORMER_S = 10.0
"""So long the API of a supervisor that was killed may take to let go of the port, in seconds."""
GRACE_S = 5.0
"""What it gets to end by itself."""
_PAUSE_S = 0.1
ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}
"""By default glibc keeps freed memory for each of many threads apart, so that a process that answers from
a pool of threads grows for as long as its documents do."""


@dataclass(frozen=True)
class ApiSettings:
    """Where the API listens. `port` 0 means a free one; `options` are further words of its command line."""

    host: str = "127.0.0.1"
    port: int = 8600
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure: bool = False
    options: tuple[str, ...] = ()


class ApiProcess:
    """Keeps the API of a root running. Use it in the thread that lives as long as it should. `tick` returns at once."""

    def __init__(self, settings: ApiSettings, store: ModelStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._log_file = store.processes_dir / "api.log"
        self._socket: socket.socket | None = None
        self._process: ServerProcess | None = None
        self._backoff = Backoff()
        self._started_at = self._next_start = 0.0

    def open(self, former: str | None = None) -> None:
        """Takes the port. Raises `PortInUse`, `InvalidInput`.

        `former` is the API's address under a supervisor that did not stop cleanly: it may hold the port for a moment yet.
        """
        deadline = self._clock() + FORMER_S
        while True:
            try:
                self._socket = listening(self._settings.host, self._settings.port, PURPOSE)
                return
            except PortInUse:
                if former != self._at(self._settings.port) or self._clock() >= deadline:
                    raise
            time.sleep(_PAUSE_S)

    @property
    def address(self) -> str:
        """`host:port`, once the port is taken."""
        assert self._socket is not None
        return self._at(self._socket.getsockname()[1])

    @property
    def pid(self) -> int | None:
        """The process, while one runs."""
        return None if self._process is None else self._process.pid

    def tick(self) -> None:
        """Notices a death, and starts a process when its time has come. Raises `StorageFault`."""
        now = self._clock()
        if self._process is not None and not self._process.alive():
            self._bury(now)
        if self._process is None and self._socket is not None and now >= self._next_start:
            self._start(now)

    def stop(self) -> None:
        """Ends it, gives the port back, and returns when that is done."""
        process, self._process = self._process, None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if process is None:
            return
        process.terminate()
        if not process.wait(GRACE_S):
            log.warning("the API (pid %d) did not stop in %g s and is killed", process.pid, GRACE_S)
            process.kill()
            process.wait()

    def _start(self, now: float) -> None:
        assert self._socket is not None
        descriptor = self._socket.fileno()
        # Should it not come to a start, the next try is not at once.
        self._next_start = now + 1.0
        with storage_faults(self._log_file, "written"):
            self._log_file.parent.mkdir(exist_ok=True)
            with self._log_file.open("ab") as output:
                child = start_in_own_session(tethered(self._command(descriptor)), output, ENVIRONMENT, descriptors=[descriptor])
        self._process = ServerProcess.started(child)
        self._started_at = now
        log.info("the API is at %s (pid %d)", self.url, self._process.pid)

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"{'http' if self._settings.tls_cert is None else 'https'}://{self.address}"

    def _bury(self, now: float) -> None:
        assert self._process is not None
        code = self._process.returncode
        self._process = None
        self._backoff = self._backoff.died(now - self._started_at)
        self._next_start = now + self._backoff.delay_s
        ended = f"was killed by {signal.Signals(-code).name}" if code is not None and code < 0 else f"ended (code {code})"
        log.warning(
            "the API %s; serving goes on, and it is started again in %.1f s; its log is %s",
            ended,
            self._backoff.delay_s,
            self._log_file,
        )

    def _command(self, descriptor: int) -> list[str]:
        settings, port = self._settings, self.address.rpartition(":")[2]
        command = [
            sys.executable,
            "-m",
            "tfx_rollout.control",
            "--root",
            str(self._store.root),
            "--local",
            str(self._store.local),
        ]
        command += ["--host", settings.host, "--port", port, "--fd", str(descriptor)]
        if settings.tls_cert is not None and settings.tls_key is not None:
            command += ["--tls-cert", str(settings.tls_cert), "--tls-key", str(settings.tls_key)]
        return [*command, *(["--insecure"] if settings.insecure else []), *settings.options]

    def _at(self, port: int) -> str:
        host = self._settings.host
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
