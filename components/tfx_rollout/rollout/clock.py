"""The two clocks that time is told by, and the watch that sees one of them jump."""

from __future__ import annotations

from typing import Protocol

JUMP_SECONDS = 1.0
"""What the wall clock gains or loses on the monotonic one between two looks before it counts as a jump."""


class Clock(Protocol):
    """Two clocks in seconds: `now` since the epoch, `monotonic` since some fixed moment."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...


class JumpWatch:
    """Compares the clocks from look to look."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None

    def jump(self, now: float, monotonic: float) -> float:
        """Seconds by which the wall clock jumped since the last look; 0 where it did not, and at the first look."""
        before, self._last = self._last, (now, monotonic)
        gained = 0.0 if before is None else (now - before[0]) - (monotonic - before[1])
        return gained if abs(gained) > JUMP_SECONDS else 0.0


def jump_in_words(seconds: float) -> str:
    """A jump of so many seconds, as a sentence that lacks its end."""
    return f"The clock jumped {'forward' if seconds > 0 else 'back'} by {abs(seconds):.1f} s"
