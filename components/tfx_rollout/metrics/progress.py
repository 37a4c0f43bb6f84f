"""What rollouts and A/B tests tell the metrics of how far they are. Those parts lie above this one and are handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tfx_rollout.traffic import Track


@dataclass(frozen=True)
class RolloutFigures:
    """One rollout that has not ended. Times in seconds since the epoch."""

    rollout: str
    version: int
    phase: str
    phase_since: float
    stage: int
    """Counted from 1; 0 before the first."""
    stages: int
    evidence: Mapping[str, float]
    """The e-value against the candidate by metric; `all` is that of all together, which decides."""
    threshold: float
    """The e-value that rolls back."""
    deadline: float | None = None
    """When it ends by its plan unless somebody decides; None while it does not wait for that."""


@dataclass(frozen=True)
class RolloutProgress:
    """The rollouts of one model: those that have not ended, and how many ended how since its first one."""

    running: tuple[RolloutFigures, ...] = ()
    ended: Mapping[str, int] = field(default_factory=dict)
    """By outcome; each possible one is there, so that its first rise can be seen."""


@dataclass(frozen=True)
class ArmFigures:
    """One arm of an A/B test. The first one, the live version, has no evidence of its own."""

    track: Track
    version: int
    users: int
    outcomes: int
    """Users whose outcome is known and counts."""
    value: float | None
    """The metric's: the share of a yes, or the mean; None where nothing is known."""
    evidence: Mapping[str, float] = field(default_factory=dict)
    """The e-value for each claim about the arm against the first: `better`, `worse`, `harm`."""


@dataclass(frozen=True)
class ExperimentFigures:
    """One A/B test that has not ended. Times in seconds since the epoch."""

    experiment: str
    phase: str
    ends_at: float
    """When it ends without a decision."""
    arms: tuple[ArmFigures, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """The e-value that decides, by claim."""


@dataclass(frozen=True)
class ExperimentProgress:
    """The A/B tests of one model, as `RolloutProgress`."""

    running: tuple[ExperimentFigures, ...] = ()
    ended: Mapping[str, int] = field(default_factory=dict)


class RolloutSource(Protocol):
    """Tells of a model's rollouts. Raises `RolloutError` where they cannot be read."""

    def __call__(self, model: str) -> RolloutProgress: ...


class ExperimentSource(Protocol):
    """Tells of a model's A/B tests. Raises `RolloutError` where they cannot be read."""

    def __call__(self, model: str) -> ExperimentProgress: ...
