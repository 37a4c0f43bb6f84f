"""Whether a file is still what it was when it was read, from what the file system says of it."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

SETTLED_NS = 50_000_000
"""File systems tell the time of a change in ticks of up to 10 ms: of two changes within one, the second does not show."""


class FileStamp(NamedTuple):
    """Differs from the one before where a file was replaced, appended to or written in place."""

    inode: int
    changed_ns: int
    size: int

    @classmethod
    def of(cls, file: str | os.PathLike[str]) -> FileStamp:
        """Raises `OSError`."""
        found = os.stat(file)  # noqa: PTH116 - making a path would take longer than the look
        return cls(found.st_ino, found.st_ctime_ns, found.st_size)

    @property
    def settled(self) -> bool:
        """Whether the next change is sure to show. What was read of a file before that must not be kept."""
        return time.time_ns() - self.changed_ns > SETTLED_NS
