"""A clock for tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ManualClock:
    """A clock that moves only when told. Epoch and monotonic time advance together, but for jumps."""

    time: float = 1_700_000_000.0
    jumped: float = 0.0
    """By how much the time of day was set on, altogether."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.time + self.jumped

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds

    def jump(self, seconds: float) -> None:
        """Sets the time of day on, or back."""
        self.jumped += seconds
