"""Reads the growing access logs of a folder, line by line, over torn ends, rotation and restarts of the gateway."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tfx_rollout.gateway.access_log_folder import LogPart, log_parts

_CHUNK_BYTES = 1024 * 1024
READ_BYTES = 4 * _CHUNK_BYTES
"""About how much one call reads at most, so that catching up does not keep its caller from other work."""


@dataclass(frozen=True)
class NewLog:
    """The lines after this come from another start of the gateway, or follow lines that are lost."""


class AccessLogFollower:
    """Every line once, in the order in which they were written.

    Begins with the first part that was still written after `since` (epoch seconds); older
    ones are never read. A part is left only when the next one exists, since Envoy has
    closed it then.
    """

    def __init__(self, folder: Path, *, since: float) -> None:
        self._folder, self._since = folder, since
        self._part: LogPart | None = None
        self._file: BinaryIO | None = None
        self._torn = b""
        self._left = 0

    def read(self) -> Iterator[str | NewLog]:
        """The whole lines written since the last call, or the next of them, with a `NewLog` before the first of each log."""
        self._left = READ_BYTES
        while self._left > 0:
            if self._file is None:
                first = self._first_part()
                if first is None:
                    return
                yield NewLog()
                self._open(first)
            following = self._following()
            yield from self._lines()
            if following is None or self._left <= 0:
                return
            part, adjoining = following
            if not adjoining:
                yield NewLog()
            self._open(part)

    def _first_part(self) -> LogPart | None:
        parts = log_parts(self._folder)
        return next((part for part in parts if part is parts[-1] or part.path.stat().st_mtime >= self._since), None)

    def _following(self) -> tuple[LogPart, bool] | None:
        """The part after the open one, once there is one, and whether it adjoins it."""
        assert self._file is not None
        assert self._part is not None
        here = os.fstat(self._file.fileno())
        parts = log_parts(self._folder)
        inodes = [_inode(part.path) for part in parts]
        try:
            at = inodes.index((here.st_dev, here.st_ino))
        except ValueError:
            # It was deleted: what came between it and the oldest part that is left is lost.
            return (parts[0], False) if parts else None
        if at + 1 == len(parts):
            return None
        return parts[at + 1], parts[at + 1].start == parts[at].start

    def _open(self, part: LogPart) -> None:
        # It may have been put aside in this moment: then the next call finds everything as it was.
        file = part.path.open("rb")
        self.close()
        self._file, self._part, self._torn = file, part, b""

    def _lines(self) -> Iterator[str]:
        assert self._file is not None
        while self._left > 0 and (chunk := self._file.read(_CHUNK_BYTES)):
            self._left -= len(chunk)
            *lines, self._torn = (self._torn + chunk).split(b"\n")
            for line in lines:
                yield line.decode("utf-8", "replace")

    def close(self) -> None:
        """Gives the open file back."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
