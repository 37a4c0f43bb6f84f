"""What feedback was given about already, remembered from call to call: 8 bytes a row in place of reading all rows each time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tfx_rollout.evidence.line_tail import LineTail
from tfx_rollout.evidence.request_records import identity

Subject = tuple[str, str | None]
"""A request id, and the metric that a row is about; None where it is a label."""

Reader = Callable[[LineTail], Iterable[tuple[Subject, float]]]
"""The subjects of the rows that came since the last call, or of the next of them, each with its time of arrival."""

RECENT = 65_536
"""So many are kept apart before they are sorted in among the others."""


class KnownSubjects:
    """The subjects of all rows in a folder of feedback. Among ten million the chance that any two are taken for one is three in a
    million. To be used under `lock`, by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.lock = threading.Lock()
        self.latest = 0.0
        """When the last row arrived (epoch seconds)."""
        self._folder = folder
        self._tail = LineTail(folder)
        self._parts: set[str] = set()
        self._sorted: npt.NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._recent: set[int] = set()

    def __contains__(self, subject: Subject) -> bool:
        found = _hash(subject)
        if found in self._recent:
            return True
        at = int(np.searchsorted(self._sorted, np.uint64(found)))
        return at < self._sorted.size and int(self._sorted[at]) == found

    def learn(self, read: Reader) -> None:
        """Takes in the rows that were not read yet; all anew when old parts were removed."""
        parts = {path.name for path in self._folder.glob("*.jsonl")}
        if not self._parts <= parts:
            self._tail, self._sorted, self._recent = LineTail(self._folder), np.zeros(0, np.uint64), set()
        self._parts = parts
        while rows := list(read(self._tail)):
            for subject, at in rows:
                self._recent.add(_hash(subject))
                self.latest = max(self.latest, at)
            if len(self._recent) >= RECENT:
                self._sorted = np.union1d(self._sorted, np.fromiter(self._recent, np.uint64, len(self._recent)))
                self._recent.clear()


@lru_cache(maxsize=64)
def known_subjects(folder: Path) -> KnownSubjects:
    """Those of a folder, the same for all of this process."""
    return KnownSubjects(folder)


def _hash(subject: Subject) -> int:
    request_id, metric = subject
    return identity(request_id if metric is None else f"{request_id} {metric}")
