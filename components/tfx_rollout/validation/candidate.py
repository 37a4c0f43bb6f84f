"""The candidate in a server process of its own, and whose fault it is when that does not work.

A server that cannot be started at all says nothing about the model and raises
`ServerFailed`. To tell the two apart, a server without any model is started as a control:
where that one comes up and the one with the candidate does not, twice, it is the model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tfx_rollout.errors import ServerFailed
from tfx_rollout.serving import ModelServerClient, ModelServerProcess, ServedModel, VersionStatus, render_model_config
from tfx_rollout.traffic import VersionState
from tfx_rollout.validation.observation import Load

VERSION = 1
"""The version number that the candidate has in its own server."""

CONTROL_SECONDS = 60.0
CAUSE = "due to error:"
"""TensorFlow Serving's words before the reason for which a servable did not become available."""

_POLL_SECONDS = 0.05
_REST_SECONDS = 3.0
"""How long after its gRPC interface that of REST may be missing."""


class CandidateServer:
    """Starts servers for one candidate, below a folder of their own, and ends every one of them.

    `model` is the name under which it is served. The candidate's files are not copied:
    the base path has a link to them.
    """

    def __init__(self, candidate: Path, model: str, work: Path) -> None:
        self.model = model
        self._work = work
        base = work / "base" / model
        base.mkdir(parents=True, exist_ok=True)
        (base / str(VERSION)).symlink_to(candidate.absolute(), target_is_directory=True)
        self._config = self._write("candidate.config", ServedModel(model, base, (VERSION,)))
        self._started = 0

    @contextmanager
    def serve(self, load_seconds: float) -> Iterator[tuple[ModelServerProcess, Load]]:
        """A server with the candidate, and how its load went; the server is ended at the exit.

        Raises `ServerFailed` where no server could be had at all.
        """
        for last in (False, True):
            server = self._start(self._config)
            try:
                load, spoke = self._await(server, load_seconds)
                if spoke:
                    yield server, load
                    return
                silent = server.alive() and not server.lacks_rest()
            finally:
                server.stop()
            # It ended without a word, or cannot be heard. Once may be a port taken in between, or a system short of memory.
            if silent or last:
                self._control()
                yield server, load
                return

    def _await(self, server: ModelServerProcess, load_seconds: float) -> tuple[Load, bool]:
        """How the load went, and whether the server itself says so; its end or its silence may have other causes."""
        started = opened = time.monotonic()
        status: VersionStatus | None = None
        with ModelServerClient(server.rest_address, timeout_s=2.0) as client:
            while True:
                seconds = time.monotonic() - started
                if not server.alive():
                    return Load(seconds, f"the server ended with code {server.returncode}: {_last_words(server)}"), False
                status = _status(client, self.model) or status
                if status and status.state is VersionState.AVAILABLE:
                    return Load(seconds), True
                if status and status.state is VersionState.END:
                    return Load(seconds, status.error or "the server unloaded it"), True
                if status or not server.lacks_rest():
                    opened = time.monotonic()
                elif time.monotonic() - opened > _REST_SECONDS:
                    return Load(seconds, f"the server has no REST interface: port {server.rest_port} was taken meanwhile"), False
                if seconds > load_seconds:
                    seen = f"its state is {status.state}" if status else "the server does not answer yet"
                    return Load(seconds, f"it was not available after {load_seconds:g} s ({seen})"), status is not None
                time.sleep(_POLL_SECONDS)

    def _control(self) -> None:
        """Raises `ServerFailed` where a server without any model cannot be started either."""
        server = self._start(self._write("control.config"))
        try:
            with ModelServerClient(server.rest_address, timeout_s=2.0) as client:
                _until(lambda: not server.alive() or _answers(client), CONTROL_SECONDS)
                if server.alive() and _answers(client):
                    return
            raise ServerFailed(
                server.name,
                f"cannot be started even without a model ({_last_words(server)}), so the candidate could not be judged",
                str(server.log_file),
            )
        finally:
            server.stop()

    def _start(self, config: Path) -> ModelServerProcess:
        self._started += 1
        name = f"validation-{self.model}" if config == self._config else "validation-control"
        return ModelServerProcess.start(name, config, self._work / f"server-{self._started}.log")

    def _write(self, name: str, *models: ServedModel) -> Path:
        file = self._work / name
        file.write_text(render_model_config(models))
        return file


def _status(client: ModelServerClient, model: str) -> VersionStatus | None:
    try:
        return client.version_states(model).get(VERSION)
    except ServerFailed:
        return None  # a server opens its ports only after the first load


def _answers(client: ModelServerClient) -> bool:
    try:
        client.version_states("control")
    except ServerFailed:
        return False
    return True


def _until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _last_words(server: ModelServerProcess) -> str:
    """What the server's log says of its end: the cause that TensorFlow Serving gives, else its last line."""
    # TensorFlow's errors go on over indented lines that name nodes of the graph.
    lines = [line.strip() for line in server.log_tail(50).splitlines() if line.strip() and not line.startswith(("\t", " "))]
    for line in reversed(lines):
        if CAUSE in line:
            return line.rpartition(CAUSE)[2].strip()[:500]
    return lines[-1][:500] if lines else "its log is empty"
