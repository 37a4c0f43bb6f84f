"""What is known by request id, of the newest so many: compact, and looked up many at a time."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Collection, Hashable, Iterable
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T", bound=Hashable)

CHUNK = 16_384


class RecentIds(Generic[T]):
    """Values by id (see `evidence.request_records.identity`), 12 bytes each where values repeat themselves.

    Of more than `most` the oldest are forgotten, a chunk at a time.
    """

    def __init__(self, most: int, *, chunk: int = CHUNK) -> None:
        self._chunk = chunk
        self._sealed: deque[_Sealed[T]] = deque(maxlen=max(1, most // chunk))
        self._begin()

    def add(self, request_id: int, value: T) -> None:
        """Keeps one value; an id may have several."""
        index = self._index.get(value)
        if index is None:
            index = self._index[value] = len(self._index)
        self._ids.append(request_id)
        self._values.append(index)
        if len(self._ids) >= self._chunk:
            self._sealed.append(self._seal())
            self._begin()

    def find(self, request_ids: Collection[int]) -> dict[int, list[T]]:
        """The values of those of the ids that are known, oldest first."""
        wanted = np.unique(np.fromiter(request_ids, np.uint64, len(request_ids)))
        found: dict[int, list[T]] = {}
        for sealed in self._sealed:
            sealed.collect(wanted, found)
        asked = set(wanted.tolist())
        values = list(self._index)
        for request_id, index in zip(self._ids, self._values, strict=True):
            if request_id in asked:
                found.setdefault(request_id, []).append(values[index])
        return found

    def _begin(self) -> None:
        self._ids: array[int] = array("Q")
        self._values: array[int] = array("I")
        self._index: dict[T, int] = {}

    def _seal(self) -> _Sealed[T]:
        ids = np.frombuffer(self._ids, np.uint64)
        order = np.argsort(ids, kind="stable")
        return _Sealed(ids[order], np.frombuffer(self._values, np.uint32)[order], self._index)


class _Sealed(Generic[T]):
    """A full chunk, ordered by id."""

    def __init__(self, ids: npt.NDArray[np.uint64], indexes: npt.NDArray[np.uint32], values: Iterable[T]) -> None:
        self._ids, self._indexes, self._values = ids, indexes, tuple(values)

    def collect(self, wanted: npt.NDArray[np.uint64], found: dict[int, list[T]]) -> None:
        first, last = np.searchsorted(self._ids, wanted, "left"), np.searchsorted(self._ids, wanted, "right")
        for place in np.flatnonzero(last > first):
            values = [self._values[index] for index in self._indexes[first[place] : last[place]]]
            found.setdefault(int(wanted[place]), []).extend(values)
