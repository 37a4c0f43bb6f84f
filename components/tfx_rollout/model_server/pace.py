"""How fast a program has been, which decides where its next run may take place. Pure but for being told times."""

from __future__ import annotations

FAST_S = 1e-3
"""Below this moving mean a run may take place on the event loop: a hand-over to a pool would cost as much."""
STALL_S = 20e-3
"""A single run of this length sends the program to the pool for the next `CAUTION` runs: the event loop serves all models."""
CAUTION = 1_000
_WEIGHT = 0.1


class Pace:
    """The moving mean of a program's run times, in seconds.

    A new program counts as slow: its first runs, in which TensorFlow still prepares
    things, are the longest.
    """

    def __init__(self) -> None:
        self._mean = 10 * FAST_S
        self._caution = 0

    @property
    def fast(self) -> bool:
        """Whether the next run may block the event loop."""
        return self._mean < FAST_S and not self._caution

    def add(self, seconds: float) -> None:
        """Counts a run."""
        if seconds >= STALL_S:
            self._caution = CAUTION
        elif self._caution:
            self._caution -= 1
        self._mean += _WEIGHT * (seconds - self._mean)
