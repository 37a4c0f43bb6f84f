"""The verdict of a validation, with every figure it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCHEMA = 1


@dataclass(frozen=True)
class Check:
    """One question and its answer. `faults` are sentences, the first few of `count`; none means passed."""

    name: str
    question: str
    faults: tuple[str, ...] = ()
    count: int = 0
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.faults

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "question": self.question,
            "passed": self.passed,
            "faults": list(self.faults),
            "fault_count": self.count,
            "figures": dict(self.figures),
        }


@dataclass(frozen=True)
class ValidationResult:
    """Whether the candidate may be pushed, why not if not, and what was looked at."""

    checks: tuple[Check, ...]
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def blessed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each check that failed: its first fault, and how many more there are."""
        return tuple(
            check.faults[0] + (f" (and {check.count - 1} more like it)" if check.count > 1 else "")
            for check in self.checks
            if not check.passed
        )

    @property
    def reason(self) -> str:
        """The reasons in one line, or what speaks for the model."""
        return "; ".join(self.reasons) if self.reasons else str(self.figures.get("summary", "every check passed"))

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "blessed": self.blessed,
            "reasons": list(self.reasons),
            "reason": self.reason,
            **self.figures,
            "checks": [check.to_json() for check in self.checks],
        }
