"""What was read from files and has not changed since: so that asking often costs a look at their dates."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tfx_rollout.model_store.file_stamp import FileStamp

T = TypeVar("T")
MOST = 1024
"""How many values are kept; the one that was asked for longest ago goes first."""

_Stamps = tuple[FileStamp | None, ...]


class ReadCache:
    """Values by the files they were read from. Safe to use from several threads.

    A value is read anew when a file's stamp (`FileStamp`) is another one than before the last
    reading, and kept once no change can hide behind the stamp.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[object, tuple[_Stamps, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object, files: tuple[Path, ...], read: Callable[[], T]) -> T:
        """The value of `key`, read by `read` from these files. What `read` raises is raised, and nothing is kept."""
        # Looked at before reading: what changes meanwhile is read again the next time.
        stamps = tuple(_stamp(file) for file in files)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == stamps:
                self._kept.move_to_end(key)
                value: T = kept[1]
                return value
        settled = all(stamp is None or stamp.settled for stamp in stamps)
        value = read()
        with self._lock:
            self._kept.pop(key, None)
            if settled:
                self._kept[key] = (stamps, value)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return value


def _stamp(file: Path) -> FileStamp | None:
    try:
        return FileStamp.of(file)
    except OSError:
        return None  # `read` says what is wrong with it, if that is wrong.
