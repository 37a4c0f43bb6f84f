"""Reports as bytes, kept by revision: they are large, and the same until something happens."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

MOST_BYTES = 64 * 1024 * 1024
"""So much is kept; the report that was asked for longest ago goes first."""


class KeptReports:
    """Bytes by what they are about, as long as its revision is the same. Safe to use from several threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, ...], tuple[str, bytes]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, about: tuple[str, ...], revision: str, make: Callable[[], bytes]) -> bytes:
        """The report about this in this revision; made where it is not kept."""
        with self._lock:
            kept = self._kept.get(about)
            if kept is not None and kept[0] == revision:
                self._kept.move_to_end(about)
                return kept[1]
        made = make()
        with self._lock:
            self._forget(about)
            self._kept[about] = (revision, made)
            self._bytes += len(made)
            while self._bytes > self._most_bytes and len(self._kept) > 1:
                self._forget(next(iter(self._kept)))
        return made

    def _forget(self, about: tuple[str, ...]) -> None:
        if about in self._kept:
            self._bytes -= len(self._kept.pop(about)[1])
