"""The verdict: what the judge says after a window, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tfx_rollout.analysis import GateEvidence, GuardEvidence, MetricEvidence


class Call(str, Enum):
    """What is to be done. The first that applies, in this order: rollback, ask, pass or advance, inconclusive, hold."""

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
    ASK = "ask"
    """A person has to look: the predictions have drifted, or the comparison is not to be trusted."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Verdict:
    """A call with its reasons and the evidence behind it.

    `e_value` is the weighted mean over the metrics and decides from `threshold` on.
    `reasons` are whole sentences, the decisive one first.
    """

    call: Call
    reasons: tuple[str, ...]
    e_value: float
    threshold: float
    metrics: Mapping[str, MetricEvidence] = field(default_factory=dict)
    gates: Mapping[str, GateEvidence] = field(default_factory=dict)
    guards: Mapping[str, GuardEvidence] = field(default_factory=dict)
    flagged: tuple[str, ...] = ()
    """Metrics that the evidence holds against by themselves (closed testing); none below the threshold."""
    asking: tuple[str, ...] = ()
    """Why a person is asked: `predictions`, `split` or `labels`. What was accepted (`judge.accept`) asks no more."""
    remaining: str | None = None
    """How much longer the stage takes, "about 4 more minutes at this rate"; None where it cannot be told."""

    def to_json(self) -> dict[str, Any]:
        return {
            "call": self.call.value,
            "reasons": list(self.reasons),
            "e_value": self.e_value,
            "threshold": self.threshold,
            "metrics": {name: metric.to_json() for name, metric in self.metrics.items()},
            "gates": {name: gate.to_json() for name, gate in self.gates.items()},
            "guards": {name: guard.to_json() for name, guard in self.guards.items()},
            "flagged": list(self.flagged),
            "asking": list(self.asking),
            "remaining": self.remaining,
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
            guards={name: GuardEvidence.from_json(g) for name, g in data["guards"].items()},
            flagged=tuple(data["flagged"]),
            asking=tuple(data["asking"]),
            remaining=data["remaining"],
        )
