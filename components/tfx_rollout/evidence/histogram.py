"""A latency histogram with logarithmic buckets: small, addable, at most 5 % wide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

FLOOR_US = 10.0
"""Everything faster falls into bucket 0 (microseconds)."""
GROWTH = 1.05
"""Ratio of neighbouring bucket edges: the resolution of every quantile."""

_LOG_GROWTH = math.log(GROWTH)


def bucket_of(latency_us: float) -> int:
    """The bucket whose interval `(upper(b-1), upper(b)]` holds this latency in microseconds."""
    if latency_us <= FLOOR_US:
        return 0
    return math.ceil(math.log(latency_us / FLOOR_US) / _LOG_GROWTH - 1e-9)


def upper_us(bucket: int) -> float:
    """The upper edge of a bucket in microseconds."""
    return FLOOR_US * GROWTH**bucket


@dataclass(frozen=True)
class LatencyHistogram:
    """Counts per bucket, sparse. Latencies in microseconds."""

    counts: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, latencies_us: Iterable[float]) -> LatencyHistogram:
        counts: dict[int, int] = {}
        for latency in latencies_us:
            bucket = bucket_of(latency)
            counts[bucket] = counts.get(bucket, 0) + 1
        return cls(counts)

    @property
    def total(self) -> int:
        """Number of latencies counted."""
        return sum(self.counts.values())

    def quantile(self, q: float) -> float | None:
        """The upper edge in microseconds of the bucket that holds the q-quantile; None when empty."""
        total = self.total
        if not total:
            return None
        rank, seen = max(1, math.ceil(q * total)), 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                return upper_us(bucket)
        raise AssertionError("unreachable: the counts add up to the total")

    def above(self, threshold_us: float) -> int:
        """How many latencies lie in buckets wholly above the one that holds the threshold."""
        limit = bucket_of(threshold_us)
        return sum(n for bucket, n in self.counts.items() if bucket > limit)

    def __add__(self, other: LatencyHistogram) -> LatencyHistogram:
        counts = dict(self.counts)
        for bucket, n in other.counts.items():
            counts[bucket] = counts.get(bucket, 0) + n
        return LatencyHistogram(counts)

    def to_json(self) -> dict[str, int]:
        return {str(b): n for b, n in sorted(self.counts.items())}

    @classmethod
    def from_json(cls, data: Mapping[str, int]) -> LatencyHistogram:
        return cls({int(b): n for b, n in data.items()})
