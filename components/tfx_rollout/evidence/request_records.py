"""Requests kept by model, track and second of their start: compact, countable, forgettable."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from tfx_rollout.traffic import Track

_UNANSWERED = -1.0


class KeptRequest(NamedTuple):
    """One request: `start_us` is its start in microseconds since the epoch, `latency_us` None where it was not answered.

    `code` is a gRPC status name. `request_id` and `unit` are hashes (see `identity`), 0 where there is none.
    """

    track: Track
    start_us: int
    code: str
    latency_us: float | None
    request_id: int = 0
    unit: int = 0

    @property
    def failed(self) -> bool:
        """Whether it got anything but a good answer."""
        return self.code != "OK"


def identity(text: str | None) -> int:
    """A request id or unit in 64 bits, the same in every process; 0 for none.

    Among ten million ids the chance that any two are taken for one is three in a million.
    """
    return 0 if text is None else int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") or 1


def microseconds(at: float) -> int:
    """A time in seconds as whole microseconds, to which starts are kept."""
    return round(at * 1e6)


@dataclass
class _Second:
    """What started within one second on one track: 25 bytes a request."""

    offsets_us: array[int] = field(default_factory=lambda: array("I"))
    latencies_us: array[float] = field(default_factory=lambda: array("f"))
    codes: bytearray = field(default_factory=bytearray)
    request_ids: array[int] = field(default_factory=lambda: array("Q"))
    units: array[int] = field(default_factory=lambda: array("Q"))


class RequestRecords:
    """Requests by start time. Memory grows with those that are not forgotten yet."""

    def __init__(self) -> None:
        self._seconds: dict[int, dict[tuple[str, Track], _Second]] = {}
        self._codes: list[str] = []
        self._forgotten_before = -math.inf

    def add(self, model: str, request: KeptRequest) -> None:
        """Keeps one request."""
        if request.start_us < self._forgotten_before * 1e6:
            return
        key, offset_us = divmod(request.start_us, 1_000_000)
        second = self._seconds.setdefault(key, {}).setdefault((model, request.track), _Second())
        second.offsets_us.append(offset_us)
        second.latencies_us.append(_UNANSWERED if request.latency_us is None else request.latency_us)
        second.codes.append(self._code_index(request.code))
        second.request_ids.append(request.request_id)
        second.units.append(request.unit)

    def within(self, model: str, start_us: int, end_us: int) -> Iterator[KeptRequest]:
        """What started in `[start_us, end_us)`, by the second."""
        first, limit = start_us // 1_000_000, -(-end_us // 1_000_000)
        few = limit - first <= len(self._seconds)
        for key in range(first, limit) if few else sorted(key for key in self._seconds if first <= key < limit):
            base_us = key * 1_000_000
            for (owner, track), second in self._seconds.get(key, {}).items():
                if owner == model:
                    for offset_us, latency_us, code, request_id, unit in zip(
                        second.offsets_us, second.latencies_us, second.codes, second.request_ids, second.units, strict=True
                    ):
                        if start_us <= base_us + offset_us < end_us:
                            latency = None if latency_us == _UNANSWERED else latency_us
                            yield KeptRequest(track, base_us + offset_us, self._codes[code], latency, request_id, unit)

    def forget(self, before: float) -> None:
        """Drops what started before this time (epoch seconds)."""
        self._forgotten_before = max(self._forgotten_before, before)
        for key in [key for key in self._seconds if key + 1 <= before]:
            del self._seconds[key]

    def forget_from(self, after: float) -> None:
        """Drops the seconds from the one of this time on (epoch seconds)."""
        for key in [key for key in self._seconds if key >= math.floor(after)]:
            del self._seconds[key]

    def _code_index(self, code: str) -> int:
        if code not in self._codes:
            self._codes.append(code)
        return self._codes.index(code)
