"""Whether a client of the live version can talk to the candidate without knowing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfx_rollout.saved_model.signature import Shape, Signature, TensorSpec


@dataclass(frozen=True)
class Compatibility:
    """`faults` are what would break a client of the live version; `notes` are harmless changes. One sentence each."""

    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def compatible(self) -> bool:
        """Whether no client can be broken."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        return {"compatible": self.compatible, "faults": list(self.faults), "notes": list(self.notes)}


def compare(live: Mapping[str, Signature], candidate: Mapping[str, Signature]) -> Compatibility:
    """Compare what two versions promise, from the view of clients of the live one.

    TensorFlow Serving wants every input of a signature and no other, so an added input
    breaks clients just as a removed one does. What live accepted the candidate must accept;
    what the candidate answers must be within what live promised.
    """
    faults: list[str] = []
    notes: list[str] = []
    for name, before in sorted(live.items()):
        after = candidate.get(name)
        if after is None:
            faults.append(f"signature {name} is gone")
            continue
        if before.method != after.method:
            faults.append(f"signature {name}: its method was {before.method} and is {after.method}")
        faults += _inputs(name, before, after)
        more, remarks = _outputs(name, before, after)
        faults += more
        notes += remarks
    notes += [f"signature {name} is new" for name in sorted(set(candidate) - set(live))]
    return Compatibility(tuple(faults), tuple(notes))


def _inputs(signature: str, before: Signature, after: Signature) -> list[str]:
    faults = []
    for name in sorted(set(before.inputs) | set(after.inputs)):
        old, new = before.inputs.get(name), after.inputs.get(name)
        where = f"signature {signature}: input {name}"
        if new is None:
            faults.append(f"{where} is gone, and the server refuses requests that still send it")
        elif old is None:
            faults.append(f"{where} is new ({new}), and the server refuses requests that lack it")
        elif old.dtype != new.dtype:
            faults.append(f"{where} was {old.dtype} and is {new.dtype}")
        elif not _within(old.shape, new.shape):
            faults.append(f"{where} accepted {old} and accepts only {new}")
    return faults


def _outputs(signature: str, before: Signature, after: Signature) -> tuple[list[str], list[str]]:
    faults, notes = [], []
    for name in sorted(set(before.outputs) | set(after.outputs)):
        old: TensorSpec | None = before.outputs.get(name)
        new: TensorSpec | None = after.outputs.get(name)
        where = f"signature {signature}: output {name}"
        if new is None:
            faults.append(f"{where} is gone")
        elif old is None:
            notes.append(f"{where} is new ({new})")
        elif old.dtype != new.dtype:
            faults.append(f"{where} was {old.dtype} and is {new.dtype}")
        elif not _within(new.shape, old.shape):
            faults.append(f"{where} was {old} and may now be {new}")
    if len(before.outputs) == 1 and len(after.outputs) > 1:
        faults.append(
            f"signature {signature}: it had one output and has {len(after.outputs)}, "
            "which turns each REST prediction from a bare value into an object"
        )
    return faults, notes


def _within(narrow: Shape, wide: Shape) -> bool:
    """Whether every tensor of the shape `narrow` also has the shape `wide`."""
    if wide is None:
        return True
    if narrow is None or len(narrow) != len(wide):
        return False
    return all(w is None or w == n for n, w in zip(narrow, wide, strict=True))
