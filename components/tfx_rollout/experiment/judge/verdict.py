"""The verdict on an A/B test: what the judge says after a window, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from tfx_rollout.analysis import GuardEvidence
from tfx_rollout.traffic import Track


class ArmState(str, Enum):
    """What is known of an arm."""

    CONTROL = "control"
    """The live version, which the others are compared with."""
    OPEN = "open"
    """Nothing is proven of it so far."""
    BETTER = "better"
    WORSE = "worse"
    HARMFUL = "harmful"
    """Its requests fail more often than the live version's."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class ArmEvidence:
    """One arm, after all windows that have been judged.

    `evidence_better` and `evidence_worse` decide from `Verdict.threshold` on. `harm` decides from `harm_threshold` on. The
    effect is an odds ratio for events and for right or wrong, a difference of means for numbers, variant to live
    version; `low` to `high` holds at every look (see `analysis.effect_odds`, `analysis.effect_mean`). All of
    them are None for the live version, and where nothing is known yet.
    """

    track: Track
    version: int
    state: ArmState
    users: int = 0
    """Users who came first in a window that was closed; `outcomes` lag behind by the time that feedback is waited for."""
    requests: int = 0
    failed_users: int = 0
    """Users with a failed request."""
    outcomes: int = 0
    """Users whose outcome is known and counts."""
    positives: int = 0
    """Of them, those with a yes; 0 for numbers."""
    value: float | None = None
    """The share of a yes, or the mean."""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    evidence_better: float | None = None
    evidence_worse: float | None = None
    harm: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "track": str(self.track), "state": str(self.state)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ArmEvidence:
        return cls(**{**data, "track": Track(data["track"]), "state": ArmState(data["state"])})


@dataclass(frozen=True)
class ExperimentVerdict:
    """What is found, with its reasons and the evidence behind it.

    `winner` is the variant that is proven better than the live version, of several the one with the best
    estimate; between variants nothing is proven. `drop` are the variants that are newly found to be worse or to do
    harm. `reasons` are whole sentences, the decisive one first.
    """

    reasons: tuple[str, ...]
    threshold: float
    harm_threshold: float
    arms: Mapping[Track, ArmEvidence] = field(default_factory=dict)
    guards: Mapping[str, GuardEvidence] = field(default_factory=dict)
    winner: Track | None = None
    drop: tuple[Track, ...] = ()
    withheld: bool = False
    """Whether a guard is raised, so that the metric decides nothing."""

    def to_json(self) -> dict[str, Any]:
        return {
            "reasons": list(self.reasons),
            "threshold": self.threshold,
            "harm_threshold": self.harm_threshold,
            "arms": [arm.to_json() for arm in self.arms.values()],
            "guards": {name: guard.to_json() for name, guard in self.guards.items()},
            "winner": None if self.winner is None else str(self.winner),
            "drop": [str(track) for track in self.drop],
            "withheld": self.withheld,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ExperimentVerdict:
        arms = [ArmEvidence.from_json(arm) for arm in data["arms"]]
        return cls(
            tuple(data["reasons"]),
            data["threshold"],
            data["harm_threshold"],
            {arm.track: arm for arm in arms},
            {name: GuardEvidence.from_json(guard) for name, guard in data["guards"].items()},
            None if data["winner"] is None else Track(data["winner"]),
            tuple(Track(track) for track in data["drop"]),
            data["withheld"],
        )
