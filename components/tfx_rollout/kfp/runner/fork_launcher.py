"""Runs `python -m` and `python -c` tasks in forks of a process that has imported their libraries once.

Importing TFX takes half a minute; a pipeline of a dozen TFX tasks spends most of its time
on it. Only the server process imports: this one stays as it is.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tfx_rollout.errors import InvalidInput
from tfx_rollout.kfp.runner.launch import Ended, Launch, base_environment, default_python
from tfx_rollout.kfp.runner.process_group import kill_group
from tfx_rollout.kfp.runner.subprocess_launcher import SubprocessLauncher
from tfx_rollout.serving.tether import tethered

IMPORT_SECONDS = 600.0
"""Longest time for the imports."""


class ForkLauncher:
    """A launcher to keep over several runs, in a `with` block:

        with ForkLauncher(["tfx_rollout.tfx.kubeflow.entrypoint"]) as launcher:
            run_pipeline(ir, pipeline_root=folder, launcher=launcher)

    What is no `python -m` or `python -c` of this interpreter runs in a process of its own. A task sees its
    environment when it starts; what a library reads at its import it has read before, in
    the environment of this launcher.
    """

    def __init__(
        self,
        preload: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        python: str | None = None,
        log: Path | None = None,
        tell: Callable[[str], None] = print,
    ) -> None:
        """`preload` names the modules to import; `log` gets what they print, which is lost without it."""
        self._preload = tuple(preload)
        self._python = python or default_python()
        self._environment = base_environment(environment or {}, self._python)
        self._log, self._tell = log, tell
        self._others = SubprocessLauncher()
        self._server: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._answers: socket.SocketIO | None = None

    def __enter__(self) -> ForkLauncher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The server's process; None before the first task."""
        return self._server.pid if self._server else None

    def launch(self, launch: Launch) -> Ended:
        """Runs a command to its end, or to its time limit. Raises InvalidInput where `preload` cannot be imported."""
        if launch.command[0] != self._python or launch.command[1:2] not in (("-m",), ("-c",)) or len(launch.command) < 3:
            return self._others.launch(launch)
        if self._server is None or self._server.poll() is not None:
            self._start()
        request = {
            "kind": launch.command[1],
            "program": launch.command[2],
            "arguments": launch.command[3:],
            "environment": dict(launch.environment),
            "folder": str(launch.folder),
            "log": str(launch.log),
        }
        assert self._channel is not None
        try:
            self._channel.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            return self._lost()
        begun = self._answer(IMPORT_SECONDS)
        if begun is None:
            return self._lost()
        pid = int(begun["pid"])
        ended = None
        try:
            ended = self._answer(launch.timeout_s)
        finally:
            if ended is None:
                kill_group(pid)
        if ended is not None:
            return Ended.by_code(ended["code"])
        if self._gone():
            return self._lost()
        self._answer(IMPORT_SECONDS)
        return Ended.by_timeout(launch.timeout_s)

    def close(self) -> None:
        """Ends the server; it is started anew where it is needed again."""
        for end in (self._answers, self._channel):
            if end is not None:
                end.close()
        if self._server is not None:
            try:
                # Its end of the socket tells it.
                self._server.wait(10)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        self._server = self._channel = self._answers = None

    def _start(self) -> None:
        self.close()
        self._channel, other = socket.socketpair()
        module = [self._python, "-m", "tfx_rollout.kfp.runner.fork_server", str(other.fileno()), *self._preload]
        log = (self._log or Path(os.devnull)).open("ab")
        with other, log:
            self._server = subprocess.Popen(
                tethered(module),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                pass_fds=[other.fileno()],
                start_new_session=True,
            )
        self._answers = self._channel.makefile("rb", buffering=0)
        self._tell(f"importing {', '.join(self._preload) or 'nothing'} …")
        ready = self._answer(IMPORT_SECONDS)
        names = ", ".join(self._preload)
        if ready is None or "fault" in ready:
            self.close()
            said = ready["fault"] if ready else "the process that imports them ended or took too long"
            raise InvalidInput(f"The modules to preload ({names}) cannot be imported: {said}; give modules that can.")
        self._tell(f"imported in {ready['seconds']:.1f} s")
        if ready["threads"] > 1:
            count = ready["threads"] - 1
            self._tell(f"the imports started {count} threads; a task has none of them, and may hang on their locks")

    def _answer(self, seconds: float) -> dict[str, Any] | None:
        """The server's next line; None where it does not come in time, or the server is gone."""
        assert self._answers is not None
        line, deadline = b"", time.monotonic() + seconds
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            part = self._answers.readline() if readable else b""
            if not part:
                return None
            line += part
        found = json.loads(line)
        assert isinstance(found, dict)
        return found

    def _gone(self) -> bool:
        assert self._server is not None
        try:
            self._server.wait(0.2)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _lost(self) -> Ended:
        self.close()
        return Ended("the process that forks for it is gone")
