"""What is run for a task, and the interface of what runs it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV")
"""What a task sees of this process's environment; the rest stays out, as it does on a cluster."""

_PYTHON = re.compile(r"^(?:.*/)?python3?(?:\.\d+)?$")


@dataclass(frozen=True)
class Launch:
    """One attempt of one task: a command without placeholders, and where it runs."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    """Its working directory."""
    log: Path
    """What standard output and standard error are appended to."""
    timeout_s: float


@dataclass(frozen=True)
class Ended:
    """How an attempt ended; `fault` is empty where it went well."""

    fault: str = ""

    @classmethod
    def by_code(cls, code: int) -> Ended:
        """From an exit code as `subprocess` tells it: negative for a signal."""
        if code < 0:
            return cls(f"it was killed by signal {-code}")
        return cls(f"it ended with exit code {code}" if code else "")

    @classmethod
    def by_timeout(cls, seconds: float) -> Ended:
        """After the time limit."""
        return cls(f"it ran longer than {seconds:g} s and was killed")


class Launcher(Protocol):
    """Runs commands one after another. Never raises for what a command does."""

    def launch(self, launch: Launch) -> Ended:
        """Runs a command to its end."""

    def close(self) -> None:
        """Ends what is kept between commands."""


def local_command(words: Sequence[str], python: str) -> tuple[str, ...]:
    """The container's command with the interpreter of this machine in the place of the image's."""
    first = python if words and _PYTHON.match(words[0]) else next(iter(words), "")
    return (first, *words[1:])


def base_environment(given: Mapping[str, str], python: str) -> dict[str, str]:
    """What every task sees: a little of this process's environment, then what the user gives for the image's."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    # First on the path: so `python` within a shell, and commands beside it, are found as in an image.
    path = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])
    return {**inherited, "PATH": path, **given}


def default_python() -> str:
    """The interpreter of this process."""
    return sys.executable
