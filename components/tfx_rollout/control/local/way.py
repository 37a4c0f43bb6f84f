"""How far what is in force is from what is desired, and the way there, as documents."""

from __future__ import annotations

from tfx_rollout.control.documents import Difference, PlannedStep
from tfx_rollout.traffic import DesiredState, ObservedState


def differences(desired: DesiredState, observed: ObservedState | None) -> list[Difference]:
    """The points in which what is in force is not what is desired. `observed` None while nothing serves."""
    return []


def planned_steps(desired: DesiredState, observed: ObservedState | None) -> list[PlannedStep]:
    """The steps that the supervisor takes from what is in force to what is desired."""
    return []
