"""How a rollout, or an A/B test, goes on over what people change of what is held beside it.

Its state is written before the desired state that it asks for, so others may write theirs before that (the lock was theirs, or
the controller died in between), or after it. The history tells which it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from tfx_rollout.model_store import BasePath
from tfx_rollout.traffic import DesiredState, rebased, with_held_changes


@dataclass(frozen=True)
class HeldBeside:
    """What is to be returned to in the end, and what is wanted now, with what people have changed in both."""

    before: DesiredState
    wanted: DesiredState
    """With the generation of what was found, where all of it is there already; else with the next one, to be written."""


def held_beside(base: BasePath, before: DesiredState, wanted: DesiredState, found: DesiredState) -> HeldBeside | None:
    """How to go on where `found` is there instead of `wanted`; None where somebody has moved traffic.

    `before` is what was there when it all began. Raises `CorruptState` and `StorageFault`.
    """
    written = base.desired_at(wanted.generation)
    # Where the history was lost, it is taken for written: what is not the wanted traffic then is somebody else's.
    since = wanted if written in (wanted, None) else base.desired_at(wanted.generation - 1)
    now = None if since is None else rebased(wanted, since, found)
    return None if since is None or now is None else HeldBeside(with_held_changes(before, since, found), now)
