"""What was read from files and has not changed since: so that asking often costs a look at their dates."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 1024
"""How many values are kept; the one that was asked for longest ago goes first."""

_Dates = tuple[tuple[int, int, int] | None, ...]


class ReadCache:
    """Values by the files they were read from. Safe to use from several threads.

    A value is read anew when a file has another inode, time of change or size than before the
    last reading. The control files are replaced whole or appended to, either of which shows in these.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[object, tuple[_Dates, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object, files: tuple[Path, ...], read: Callable[[], T]) -> T:
        """The value of `key`, read by `read` from these files. What `read` raises is raised, and nothing is kept."""
        # Looked at before reading: what changes meanwhile is read again the next time.
        dates = tuple(_dates(file) for file in files)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == dates:
                self._kept.move_to_end(key)
                value: T = kept[1]
                return value
        value = read()
        with self._lock:
            self._kept[key] = (dates, value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return value


def _dates(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None  # `read` says what is wrong with it, if that is wrong.
    return found.st_ino, found.st_mtime_ns, found.st_size
