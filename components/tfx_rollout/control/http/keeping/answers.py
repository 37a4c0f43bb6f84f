"""Answers as bytes, by what they are about, as long as its sign is the same."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

MOST_BYTES = 64 * 1024 * 1024
MOST = 256
"""So much, and so many, are kept; the answer that was asked for longest ago goes first."""
KEPT_S = 5.0
"""So long an answer is given again, in seconds, unless it says how long itself: some things change with the time alone."""


@dataclass(frozen=True)
class Answer:
    """A whole answer with status 200."""

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True)
class _Kept:
    sign: object
    until: float
    answer: Answer


class KeptAnswers:
    """Answers by what they are about. Safe to use from several threads. `clock` only goes forward."""

    def __init__(self, most_bytes: int = MOST_BYTES, most: int = MOST, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes, self._most, self._clock = most_bytes, most, clock
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, about: Hashable, sign: object) -> Answer | None:
        """The answer that was kept with this sign, unless that is too long ago."""
        with self._lock:
            kept = self._kept.get(about)
            if kept is None or kept.sign != sign or self._clock() >= kept.until:
                return None
            self._kept.move_to_end(about)
            return kept.answer

    def keep(self, about: Hashable, sign: object, answer: Answer, *, seconds: float = KEPT_S) -> None:
        """Keeps an answer in place of the one before about the same."""
        with self._lock:
            self._forget(about)
            self._kept[about] = _Kept(sign, self._clock() + seconds, answer)
            self._bytes += len(answer.body)
            while (self._bytes > self._most_bytes and len(self._kept) > 1) or len(self._kept) > self._most:
                self._forget(next(iter(self._kept)))

    def _forget(self, about: Hashable) -> None:
        if about in self._kept:
            self._bytes -= len(self._kept.pop(about).answer.body)
