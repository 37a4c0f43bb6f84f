"""One change that was asked for, whatever came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AuditEntry:
    """Who asked for what, when, and what came of it."""

    at: float
    by: str
    role: str
    """With which right: a role of a token's, `admin` for who has the files, `step` for a step of a pipeline."""
    action: str
    model: str | None
    status: int
    """As HTTP has it: 200 for what was done."""
    detail: str
    """What came of it, in a sentence."""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "facts": dict(self.facts)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AuditEntry:
        """From what `to_json` made. `KeyError`, `TypeError` or `ValueError` for anything else."""
        model = data["model"]
        return cls(
            at=float(data["at"]),
            by=str(data["by"]),
            role=str(data["role"]),
            action=str(data["action"]),
            model=None if model is None else str(model),
            status=int(data["status"]),
            detail=str(data["detail"]),
            facts=dict(data["facts"]),
        )


@dataclass(frozen=True)
class AuditPage:
    """Entries, newest first, of `total` that there are."""

    entries: list[AuditEntry]
    total: int
