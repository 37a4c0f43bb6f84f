"""What is recorded of an A/B test: who came in a window, and, once feedback has had its time, what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tfx_rollout.evidence.cohort_counts import Arrivals, Outcomes
from tfx_rollout.evidence.window import ClosedBy
from tfx_rollout.traffic import Split, Track


@dataclass(frozen=True)
class ExperimentWindow:
    """One closed interval `[start, end)` (seconds since the epoch) under one split, and who came in it.

    Numbers grow by one within a test. A `void` window (the gateway restarted in it, say) is kept for the record; nobody
    who came first in it is ever counted.
    """

    number: int
    start: float
    end: float
    split: Split
    arms: Mapping[Track, Arrivals] = field(default_factory=dict)
    unassigned: int = 0
    """Requests without the header, which no user can be told from."""
    closed_by: ClosedBy = "time"
    void: bool = False

    def arm(self, track: Track) -> Arrivals:
        """What one arm saw, all zero where nobody came."""
        return self.arms.get(track, Arrivals())

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "start": self.start,
            "end": self.end,
            "split": self.split.to_json(),
            "arms": {str(track): asdict(arrivals) for track, arrivals in self.arms.items()},
            "unassigned": self.unassigned,
            "closed_by": self.closed_by,
            "void": self.void,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ExperimentWindow:
        return cls(
            data["number"],
            data["start"],
            data["end"],
            Split.from_json(data["split"]),
            {Track(track): Arrivals(**arrivals) for track, arrivals in data["arms"].items()},
            data["unassigned"],
            data["closed_by"],
            data["void"],
        )


@dataclass(frozen=True)
class MaturedWindow:
    """What became of the users who came first in window `number`: all feedback about them that counts has come."""

    number: int
    arms: Mapping[Track, Outcomes] = field(default_factory=dict)
    ignored: int = 0
    """Rows of feedback about them that are none of the metric (out of its bounds, say)."""

    def arm(self, track: Track) -> Outcomes:
        """The outcomes of one arm's users."""
        return self.arms.get(track, Outcomes())

    def to_json(self) -> dict[str, Any]:
        arms = {str(track): {**asdict(outcomes), "values": list(outcomes.values)} for track, outcomes in self.arms.items()}
        return {"number": self.number, "arms": arms, "ignored": self.ignored}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MaturedWindow:
        arms = {
            Track(track): Outcomes(**{**outcomes, "values": tuple(outcomes["values"])})
            for track, outcomes in data["arms"].items()
        }
        return cls(data["number"], arms, data["ignored"])
