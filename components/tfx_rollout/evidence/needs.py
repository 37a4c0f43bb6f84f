"""What a rollout wants of its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["request", "user"]
"""What is drawn by chance, and hence compared: a request, or a user, where assignment is sticky."""

LABEL_SLACK_S = 600.0
"""What is kept longer than labels are waited for, in seconds: void windows leave their labels to the next."""


@dataclass(frozen=True)
class EvidenceNeeds:
    """What one rollout wants counted, and how. Times in seconds; moments since the epoch."""

    model: str
    began: float
    """When the rollout began: nothing before it matters."""
    judged_until: float
    """No window begins before this moment any more."""
    window_s: float = 10.0
    """How long windows are."""
    waiting_s: float = 5.0
    """What has no answer this long after its start has failed."""
    spacing_s: float = 0.1
    """Of the requests of a track that start within one such stretch only one latency is compared."""
    unit: Unit = "request"
    stages: tuple[float, ...] = ()
    """When each stage so far opened."""
    candidate: int | None = None
    """The version on the canary and shadow tracks, which tells its predictions from stable's; None to count none."""
    label_ages: tuple[float, ...] = ()
    """Ages up to which labels are taken in, growing; none where none are wanted."""

    @property
    def keep_from(self) -> float:
        """From when on single requests have to be kept, for windows and for labels that are still to come."""
        if not self.label_ages:
            return max(self.began, self.judged_until)
        return max(self.began, self.judged_until - self.label_ages[-1] - self.window_s - LABEL_SLACK_S)

    @property
    def read_from(self) -> float:
        """From when on a new source has to read: users are remembered since the rollout began."""
        return self.began if self.unit == "user" else self.keep_from
