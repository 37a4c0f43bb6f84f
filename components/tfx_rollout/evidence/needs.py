"""What a rollout wants of its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["request", "user"]
"""What is drawn by chance, and hence compared: a request, or a user, where assignment is sticky."""


LABEL_WINDOW_S = 300.0
"""By how much the start of a window may lie before its end, where labels are waited for; in seconds."""


@dataclass(frozen=True)
class EvidenceNeeds:
    """What one rollout wants counted, and how. Times in seconds; moments since the epoch."""

    began: float
    """When the rollout began: nothing before it matters."""
    judged_until: float
    """No window begins before this moment any more."""
    waiting_s: float = 5.0
    """What has no answer this long after its start has failed."""
    spacing_s: float = 0.1
    """Of the requests of a track that start within one such stretch only one latency is compared."""
    unit: Unit = "request"
    stages: tuple[float, ...] = ()
    """When each stage so far opened."""
    candidate: int | None = None
    """The version on the canary or shadow track, which tells its predictions from stable's; None to count none."""
    label_ages: tuple[float, ...] = ()
    """Ages up to which labels are taken in, growing; none where none are wanted."""

    @property
    def since(self) -> float:
        """From when on requests have to be kept: users since the rollout began, labels up to their largest age."""
        if self.unit == "user":
            return self.began
        return max(self.began, self.judged_until - max(self.label_ages, default=0.0) - LABEL_WINDOW_S)
