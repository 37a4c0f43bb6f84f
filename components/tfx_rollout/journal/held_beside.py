"""How something that moves traffic goes on over what people change of what is held beside it.

Its state is written before the desired state that it asks for, so others may write theirs before that (the lock was theirs, or
the controller died in between), or after it. The history tells which it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from tfx_rollout.model_store import BasePath
from tfx_rollout.traffic import Cause, DesiredState, rebased, same_traffic, with_held_changes


@dataclass(frozen=True)
class HeldBeside:
    """What is to be returned to in the end, and what is wanted now, with what people have changed in both."""

    before: DesiredState
    wanted: DesiredState
    found: bool
    """Whether what is wanted is what was found; else it is to be written, with the next generation."""
    cause: Cause
    """Of the last of these changes."""


@dataclass(frozen=True)
class Overruled:
    """Somebody else has moved traffic."""

    cause: Cause


def beside(base: BasePath, before: DesiredState, wanted: DesiredState, found: DesiredState) -> HeldBeside | Overruled:
    """What it means that `found` is there instead of `wanted`. Raises `CorruptState` and `StorageFault`.

    `before` is what was there when it all began.
    """
    written = base.desired_at(wanted.generation)
    # Where the history was lost, it is taken for written: what has not the wanted traffic then is somebody else's.
    since = wanted if written in (wanted, None) else base.desired_at(wanted.generation - 1)
    now = None if since is None else rebased(wanted, since, found)
    if since is None or now is None:
        return Overruled(found.cause if since is None else _who_moved_traffic(base, since, found))
    return HeldBeside(with_held_changes(before, since, found), now, now == found, found.cause)


def _who_moved_traffic(base: BasePath, since: DesiredState, found: DesiredState) -> Cause:
    """The first after `since` who did, whoever has changed what is held after that."""
    later = (base.desired_at(generation) for generation in range(since.generation + 1, found.generation))
    return next((state.cause for state in later if state is not None and not same_traffic(since, state)), found.cause)
