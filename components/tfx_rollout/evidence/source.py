"""Where windows get their counts from: anything that can count by the start of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tfx_rollout.evidence.window import TrackCounts
from tfx_rollout.traffic import Track


@dataclass(frozen=True)
class IntervalCounts:
    """Counts per track of the requests that started in an interval.

    `gap` is true where the source cannot vouch for the whole interval (the gateway
    restarted in it, a scrape is missing): the window is then void.
    """

    tracks: Mapping[Track, TrackCounts] = field(default_factory=dict)
    gap: bool = False


class EvidenceSource(Protocol):
    """Counts the requests of a model by the time they started.

    Only requests that the *draw* sent to a track are evidence: what a client forced
    or pinned is left out, and so is everything that is no inference call. Counting an
    interval again, also after a restart, gives the same; intervals that adjoin count each
    request once. `TrackCounts.units`, `unit_failures` and `unit_latency` are what is compared.
    """

    def horizon(self) -> float:
        """The time (seconds since the epoch) up to which intervals may be closed: what started
        before it has been answered, or has been waited for long enough to count as unanswered."""

    def counts(self, model: str, start: float, end: float) -> IntervalCounts:
        """Counts of the requests that started in `[start, end)`; `end` must not lie past the horizon."""
