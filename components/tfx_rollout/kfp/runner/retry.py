"""How often a task is tried, and how long is waited between two attempts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RetryPolicy:
    """The `retryPolicy` of a task. Without one a task has one attempt."""

    most_retries: int = 0
    pause_s: float = 0.0
    factor: float = 2.0
    longest_pause_s: float = 3600.0

    @classmethod
    def of(cls, task: Mapping[str, Any]) -> RetryPolicy:
        """The policy of a task of the IR."""
        given = task.get("retryPolicy", {})
        return cls(
            int(given.get("maxRetryCount", cls.most_retries)),
            _seconds(given.get("backoffDuration", "0s")),
            float(given.get("backoffFactor") or cls.factor),
            _seconds(given.get("backoffMaxDuration", "3600s")),
        )

    def pauses(self, longest_s: float) -> Iterator[float]:
        """Seconds to wait before each further attempt, none above `longest_s`."""
        pause = self.pause_s
        for _ in range(self.most_retries):
            yield min(pause, self.longest_pause_s, longest_s)
            pause *= self.factor


def _seconds(duration: str) -> float:
    return float(str(duration).removesuffix("s") or 0)
