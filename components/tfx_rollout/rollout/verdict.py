"""The verdict: what the judge says after a window, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tfx_rollout.analysis import GateEvidence, MetricEvidence


class Call(str, Enum):
    """What is to be done. The first that applies, in this order: rollback, pass or advance, inconclusive, hold."""

    HOLD = "hold"
    """Not enough evidence either way: go on collecting."""
    ADVANCE = "advance"
    """The present stage has passed and another one follows."""
    PASS = "pass"
    """The last stage has passed."""
    ROLLBACK = "rollback"
    """The canary is worse than tolerated: the evidence has reached 1/alpha."""
    INCONCLUSIVE = "inconclusive"
    """The time of the stage is over without a decision; the plan's policy says what follows."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Verdict:
    """A call with its reasons and the evidence behind it.

    `e_value` is the weighted mean over the metrics and rolls back from `threshold` on.
    `reasons` are whole sentences, the decisive one first.
    """

    call: Call
    reasons: tuple[str, ...]
    e_value: float
    threshold: float
    metrics: Mapping[str, MetricEvidence] = field(default_factory=dict)
    gates: Mapping[str, GateEvidence] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "call": self.call.value,
            "reasons": list(self.reasons),
            "e_value": self.e_value,
            "threshold": self.threshold,
            "metrics": {name: metric.to_json() for name, metric in self.metrics.items()},
            "gates": {name: gate.to_json() for name, gate in self.gates.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        return cls(
            call=Call(data["call"]),
            reasons=tuple(data["reasons"]),
            e_value=data["e_value"],
            threshold=data["threshold"],
            metrics={name: MetricEvidence.from_json(m) for name, m in data["metrics"].items()},
            gates={name: GateEvidence.from_json(g) for name, g in data["gates"].items()},
        )
