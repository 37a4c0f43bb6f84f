"""The command on a real store, in this process, or by itself on a terminal."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tfx_rollout.cli.app import app


@pytest.fixture
def run() -> Callable[..., Result]:
    """Runs the command with these arguments."""

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def run_json(run) -> Callable[..., Any]:
    """Runs the command with `--json` and returns what it printed."""

    def run_json(*arguments: object) -> Any:
        result = run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run_json


@pytest.fixture
def saved_model(tmp_path) -> Callable[[str], Path]:
    """Makes a folder that passes for a SavedModel as far as the store looks."""

    def make(content: str = "graph") -> Path:
        folder = tmp_path / f"export-{content}"
        (folder / "variables").mkdir(parents=True)
        (folder / "saved_model.pb").write_text(content)
        (folder / "variables" / "variables.index").write_text(content)
        return folder

    return make


class Terminal:
    """The command as a process of its own on a terminal of this size; `shown` is all that it wrote."""

    def __init__(self, *arguments: object, columns: int = 100, lines: int = 40, **environment: str) -> None:
        self.shown = ""
        command = [sys.executable, "-m", "tfx_rollout.cli", *map(str, arguments)]
        inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        self.pid, self._file = pty.fork()
        if not self.pid:
            # Before the command looks.
            _resize(pty.STDOUT_FILENO, columns, lines)
            os.execve(sys.executable, command, {**inherited, "TERM": "xterm-256color", **environment})

    def resize(self, columns: int, lines: int) -> None:
        _resize(self._file, columns, lines)

    def type(self, text: str) -> None:
        os.write(self._file, text.encode())

    def await_shown(self, *texts: str, since: int = 0) -> None:
        """Reads on until all of these were shown after the first `since` characters."""
        self.await_that(lambda shown: all(text in shown[since:] for text in texts), str(texts))

    def await_that(self, so: Callable[[str], bool], what: str, *, seconds: float = 60) -> None:
        """Reads on until it is so of all that was shown."""
        deadline = time.monotonic() + seconds
        while not so(self.shown):
            assert time.monotonic() < deadline, f"no {what} in {self.shown!r}"
            assert self._read(), f"ended without {what}: {self.shown!r}"

    def wait(self) -> int:
        """Reads to the end; the exit code."""
        while self._read():
            continue
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._file)

    def _read(self) -> bool:
        """Takes what was written, for at most a second. False when that was all."""
        if not select.select([self._file], [], [], 1)[0]:
            return True
        try:
            content = os.read(self._file, 65_536)
        except OSError as error:
            if error.errno != errno.EIO:  # nobody holds the other end any more
                raise
            return False
        self.shown += content.decode(errors="replace")
        return bool(content)


def _resize(file: int, columns: int, lines: int) -> None:
    fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """`terminal("status", "--root", root)`: starts the command on a terminal."""
    started: list[Terminal] = []

    def start(*arguments: object, **options: Any) -> Terminal:
        started.append(Terminal(*arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()
