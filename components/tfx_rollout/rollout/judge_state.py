"""Everything the judge carries from window to window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfx_rollout.analysis import GATED, QUANTILES, PassageEvidence, RegressionEvidence
from tfx_rollout.evidence import LatencyHistogram

BEFORE = -1
"""The stage before the first one is opened: windows then only show how fast stable is."""


@dataclass(frozen=True)
class JudgeState:
    """The evidence so far. Some kilobytes as JSON, and the same bits again when read back.

    `latency` has one entry for each of `QUANTILES`, `latency_gates` one for each of `GATED`.
    Times in seconds since the epoch.
    """

    attempt: int
    errors: RegressionEvidence
    latency: tuple[RegressionEvidence, ...]
    stage: int = BEFORE
    opened_at: float = 0.0
    last_window: int | None = None
    """Number of the last judged window; it and those before it change nothing any more."""
    ended_at: float = 0.0
    windows: int = 0
    """Windows judged since the rollout began."""
    raised: Mapping[str, int] = field(default_factory=lambda: {"errors": 0, "latency": 0})
    """Windows that raised the evidence of each metric."""
    stable_latency: LatencyHistogram = LatencyHistogram()
    """Stable's latencies over all judged windows."""
    limits_us: tuple[float, ...] = ()
    """Stable's quantiles that the next window is held against, microseconds; empty until there are enough answers."""
    stage_windows: int = 0
    """Windows of the present stage under its own split."""
    error_gate: PassageEvidence = PassageEvidence()
    latency_gates: tuple[PassageEvidence, ...] = (PassageEvidence(),) * len(GATED)

    def to_json(self) -> dict[str, Any]:
        return {
            "attempt": self.attempt,
            "errors": self.errors.to_json(),
            "latency": [evidence.to_json() for evidence in self.latency],
            "stage": self.stage,
            "opened_at": self.opened_at,
            "last_window": self.last_window,
            "ended_at": self.ended_at,
            "windows": self.windows,
            "raised": dict(self.raised),
            "stable_latency": self.stable_latency.to_json(),
            "limits_us": list(self.limits_us),
            "stage_windows": self.stage_windows,
            "error_gate": self.error_gate.to_json(),
            "latency_gates": [gate.to_json() for gate in self.latency_gates],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> JudgeState:
        return cls(
            attempt=data["attempt"],
            errors=RegressionEvidence.from_json(data["errors"]),
            latency=tuple(RegressionEvidence.from_json(evidence) for evidence in data["latency"]),
            stage=data["stage"],
            opened_at=data["opened_at"],
            last_window=data["last_window"],
            ended_at=data["ended_at"],
            windows=data["windows"],
            raised=dict(data["raised"]),
            stable_latency=LatencyHistogram.from_json(data["stable_latency"]),
            limits_us=tuple(data["limits_us"]),
            stage_windows=data["stage_windows"],
            error_gate=PassageEvidence.from_json(data["error_gate"]),
            latency_gates=tuple(PassageEvidence.from_json(gate) for gate in data["latency_gates"]),
        )

    @classmethod
    def empty(cls, stages: int, attempt: int) -> JudgeState:
        """Nothing seen, for a plan with this many stages."""
        none_yet = RegressionEvidence.none_yet(stages)
        return cls(attempt=attempt, errors=none_yet, latency=(none_yet,) * len(QUANTILES))
