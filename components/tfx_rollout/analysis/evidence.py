"""What the tests have found, in the numbers that a person needs to follow a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tfx_rollout.analysis.table import Table


@dataclass(frozen=True)
class TestEvidence:
    """One comparison of bad events (failures, or answers slower than a limit) between the tracks.

    `counts` has everything since the rollout began. `stable_limit_ms` and `canary_limit_ms`
    are the latencies above which an answer is slow, as they are now (each window was held against
    those of its time); None where the events are failures.
    """

    __test__ = False  # keeps pytest from taking the name for a test class

    name: str
    e_value: float
    counts: Table
    stable_limit_ms: float | None = None
    canary_limit_ms: float | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TestEvidence:
        return cls(**{**data, "counts": Table.from_json(data["counts"])})


@dataclass(frozen=True)
class MetricEvidence:
    """The evidence against the canary of one metric: the mean of the e-values of its tests.

    An e-value of 20 says: were the canary no worse than tolerated, evidence this
    strong would ever come up in at most 1 of 20 rollouts.
    """

    name: str
    weight: float
    e_value: float
    windows: int
    """Windows that were judged."""
    raised_in: int
    """Windows that raised the e-value."""
    tests: tuple[TestEvidence, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "tests": [t.to_json() for t in self.tests]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MetricEvidence:
        return cls(**{**data, "tests": tuple(TestEvidence.from_json(t) for t in data["tests"])})


@dataclass(frozen=True)
class GateEvidence:
    """What speaks for passing the present stage, in one respect.

    `value` must reach `needed`: an e-value against "the canary is bad" for gates of evidence, a
    count or a time in seconds for floors. Only that of the gate `suspicion`, the evidence
    for a rollback, must stay below it.
    """

    name: str
    passed: bool
    value: float
    needed: float
    sentence: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GateEvidence:
        return cls(**data)
