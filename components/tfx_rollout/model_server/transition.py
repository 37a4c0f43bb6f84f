"""Which version of a model to load or unload next: TensorFlow Serving's AvailabilityPreservingPolicy.

A model keeps answering while its versions change: a new version becomes AVAILABLE
before the old one goes. Pure; `manager` does what is decided here.

    START ──► LOADING ──► AVAILABLE ──► UNLOADING ──► END
                 └── all attempts failed ─────────────► END with the error
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    """A version's state as GetModelStatus shows it (ModelVersionStatus.State)."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class Tracked:
    """One version as the policy sees it: whether the configuration wants it, and its state."""

    version: int
    aspired: bool
    state: State


@dataclass(frozen=True)
class Load:
    """Load this version."""

    version: int


@dataclass(frozen=True)
class Unload:
    """Take this version out of service."""

    version: int


def next_action(versions: Iterable[Tracked]) -> Load | Unload | None:
    """The next step for one model, or None when there is nothing to do now.

    The rules of availability_preserving_policy.cc: the lowest unwanted version goes
    when nothing is wanted, something wanted is available, or more than one unwanted
    is; else the highest wanted one that was never tried is loaded.
    """
    versions = list(versions)
    aspired = [v for v in versions if v.aspired]
    leaving = [v.version for v in versions if not v.aspired and v.state is State.AVAILABLE]
    covered = any(v.state is State.AVAILABLE for v in aspired)
    if leaving and (not aspired or covered or len(leaving) > 1):
        return Unload(min(leaving))
    waiting = [v.version for v in aspired if v.state is State.START]
    return Load(max(waiting)) if waiting else None
