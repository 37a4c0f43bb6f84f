"""The folder of access logs: one log a start of Envoy, in parts when it grows large.

    <start in ms>.log         the current part of the log of one start
    <start in ms>.0001.log    its older parts, in order

Files sort by start and part. A part is complete once the next one exists.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

KEEP_PARTS = 64
"""Finished files that are kept beside the current one: who begins to read anew finds in them what labels
that arrive late are about, and which users came since the rollout began."""

_NAME = re.compile(r"(\d{10,16})(?:\.(\d{4,}))?\.log")


@dataclass(frozen=True, order=True)
class LogPart:
    """One file: `start` of its Envoy in milliseconds since the epoch, `number` of the part."""

    start: int
    number: float
    path: Path

    @property
    def current(self) -> bool:
        """Whether it is the part that Envoy writes, or wrote last."""
        return self.number == float("inf")


def log_parts(folder: Path) -> list[LogPart]:
    """The files of the folder in the order in which they were written."""
    found = []
    for path in folder.glob("*.log"):
        match = _NAME.fullmatch(path.name)
        if match:
            found.append(LogPart(int(match[1]), float(match[2] or "inf"), path))
    return sorted(found)


class AccessLogFolder:
    """Names new logs and puts large ones aside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._current: Path | None = None

    def begin(self) -> Path:
        """The file for a new start of Envoy, made empty and later than all others; old ones are thinned out.

        Raises `OSError` when the folder refuses.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        parts = log_parts(self.path)
        start = max([round(time.time() * 1000), *(part.start + 1 for part in parts)])
        self._current = self.path / f"{start}.log"
        self._current.touch()
        self._thin_out()
        return self._current

    def go_on(self, current: Path) -> None:
        """Goes on with the file of an Envoy that was begun by another program."""
        self._current = current

    def rotate(self, over_bytes: int) -> bool:
        """Puts the current part aside when it is larger than this; the caller makes Envoy open its log anew."""
        if self._current is None:
            return False
        try:
            if self._current.stat().st_size <= over_bytes:
                return False
        except FileNotFoundError:
            return False  # put aside before, and not opened anew yet
        start = int(self._current.stem)
        older = [int(part.number) for part in log_parts(self.path) if part.start == start and not part.current]
        self._current.rename(self.path / f"{start}.{max(older, default=0) + 1:04d}.log")
        self._thin_out()
        return True

    def _thin_out(self) -> None:
        for part in [part for part in log_parts(self.path) if part.path != self._current][:-KEEP_PARTS]:
            part.path.unlink(missing_ok=True)
