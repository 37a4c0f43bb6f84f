"""The files of the prediction log: parts of bounded size in a folder of bounded size.

    <start in ms>-<pid>-0001.jsonl    parts of one server's log, in the order in which they were written

A part is only ever appended to, and is complete once the next one exists or its server
has ended. Servers may share a folder; the oldest parts go first, whosever they are.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import BinaryIO

PART_BYTES = 16 * 1024 * 1024
FOLDER_BYTES = 512 * 1024 * 1024
"""All parts together, of all servers: about 3.5 million predictions."""


class PredictionFiles:
    """Appends to the current part and begins the next. Every method may raise `OSError`; the next call tries again."""

    def __init__(self, folder: Path, *, part_bytes: int = PART_BYTES, folder_bytes: int = FOLDER_BYTES) -> None:
        self._folder, self._part_bytes, self._folder_bytes = folder, part_bytes, folder_bytes
        self._stem = f"{time.time_ns() // 1_000_000}-{os.getpid()}"
        self._number = 0
        self._file: BinaryIO | None = None

    def append(self, lines: bytes) -> None:
        """Writes whole lines, into a new part when the current one has grown large."""
        if self._file is None or self._file.tell() >= self._part_bytes or _is_removed(self._file):
            self._begin()
        assert self._file is not None
        begin = self._file.tell()
        try:
            if self._file.write(lines) != len(lines):
                raise OSError("the disk took only a part")
        except OSError:
            # No torn line stays in the middle of a part.
            self._file.truncate(begin)
            raise

    def close(self) -> None:
        """Gives the current part back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thin_out()
        self._number += 1
        # Unbuffered: what is written is there for readers at once, in whole lines.
        self._file = (self._folder / f"{self._stem}-{self._number:04d}.jsonl").open("ab", buffering=0)

    def _thin_out(self) -> None:
        """Removes the parts written longest ago until there is room for another one."""
        parts = []
        for path in self._folder.glob("*.jsonl"):
            try:
                found = path.stat()
            except FileNotFoundError:
                continue  # another server thins out, too
            parts.append((found.st_mtime_ns, found.st_size, path))
        total = sum(size for _, size, _ in parts)
        for _, size, path in sorted(parts):
            if total + self._part_bytes <= self._folder_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


def _is_removed(file: BinaryIO) -> bool:
    return os.fstat(file.fileno()).st_nlink == 0
