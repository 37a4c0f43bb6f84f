"""What is kept of all requests of one kind in one step of time: counts alone, small and addable."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tfx_rollout.evidence.histogram import bucket_of, upper_us
from tfx_rollout.gateway.naming import Protocol
from tfx_rollout.traffic import Track

LONGEST_US = 120e6
"""Longer durations count as this, in microseconds: the gateway ends every request sooner."""
BUCKETS = bucket_of(LONGEST_US) + 1
"""How many buckets a histogram of durations can have (see `evidence.histogram`)."""


class Key(NamedTuple):
    """The kinds of requests that are counted apart. `version` is None where it is not known who should have answered."""

    model: str
    track: Track
    version: int | None
    protocol: Protocol


@dataclass(frozen=True, slots=True)
class Cell:
    """Requests by their code, their durations, and what labels said of them.

    The histogram is sparse: `buckets` in ascending order, and the count of each. About 1 kB in all.
    """

    codes: Mapping[str, int] = field(default_factory=dict)
    buckets: array[int] = field(default_factory=lambda: array("H"))
    counts: array[int] = field(default_factory=lambda: array("I"))
    labelled: int = 0
    correct: int = 0

    @property
    def requests(self) -> int:
        return sum(self.codes.values())

    def __add__(self, other: Cell) -> Cell:
        dense = np.zeros(BUCKETS, np.uint32)
        dense[self.buckets] = self.counts
        dense[other.buckets] += np.asarray(other.counts, np.uint32)
        found = np.flatnonzero(dense)
        return Cell(
            dict(Counter(self.codes) + Counter(other.codes)),
            array("H", found.astype(np.uint16).tobytes()),
            array("I", dense[found].tobytes()),
            self.labelled + other.labelled,
            self.correct + other.correct,
        )


@dataclass
class Tally:
    """A cell that is still being counted."""

    codes: dict[str, int] = field(default_factory=dict)
    durations: dict[int, int] = field(default_factory=dict)
    """By bucket."""

    def add(self, code: str, duration_us: float) -> None:
        """Counts one request."""
        self.codes[code] = self.codes.get(code, 0) + 1
        bucket = bucket_of(min(duration_us, LONGEST_US))
        self.durations[bucket] = self.durations.get(bucket, 0) + 1

    def cell(self) -> Cell:
        """What was counted so far."""
        ordered = sorted(self.durations.items())
        return Cell(dict(self.codes), array("H", [b for b, _ in ordered]), array("I", [n for _, n in ordered]))


UPPER_MS = np.array([upper_us(bucket) / 1e3 for bucket in range(BUCKETS)])
"""The upper edge of each bucket in milliseconds."""
