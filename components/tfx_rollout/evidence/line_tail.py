"""Reads the growing files of a folder, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

READ_BYTES = 4 * 1024 * 1024
"""About how much one call reads at most, so that catching up does not keep its caller from other work."""


class LineTail:
    """Every whole line of every `*.jsonl` of a folder once, file by file in the order of their names.

    Files may appear, grow, and go; what goes before it was read is lost. Files last
    written before `since` (epoch seconds) when first seen are never read.
    """

    def __init__(self, folder: Path, *, since: float = 0.0) -> None:
        self.folder, self._since = folder, since
        self._offsets: dict[tuple[int, int], int] = {}
        """How far each file (by device and inode) was read."""
        self.caught_up = False
        """Whether the last call read to the ends of all files."""

    def read(self) -> Iterator[bytes]:
        """The lines written since the last call, or the next of them."""
        left = READ_BYTES
        there: set[tuple[int, int]] = set()
        for path in sorted(self.folder.glob("*.jsonl")):
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            key = (found.st_dev, found.st_ino)
            there.add(key)
            if key not in self._offsets:
                self._offsets[key] = found.st_size if found.st_mtime < self._since else 0
            if found.st_size > self._offsets[key] and left > 0:
                with path.open("rb") as file:
                    file.seek(self._offsets[key])
                    chunk = file.read(left)
                whole = chunk[: chunk.rfind(b"\n") + 1]
                left -= len(chunk)
                self._offsets[key] += len(whole)
                yield from whole.splitlines()
        self.caught_up = left > 0
        self._offsets = {key: offset for key, offset in self._offsets.items() if key in there}
