"""What the tests have found, in the numbers that a person needs to follow a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tfx_rollout.analysis.interval import odds_ratio_interval
from tfx_rollout.analysis.table import Table


@dataclass(frozen=True)
class TestEvidence:
    """One test: bad events of the two tracks, or of the canary alone where it is held against a limit.

    `counts` has everything since the rollout began. `stable_limit_ms` and `canary_limit_ms`
    are the latencies above which an answer is slow, as they are now (each window was held against
    those of its time); None where the events are no slow answers.
    """

    __test__ = False  # keeps pytest from taking the name for a test class

    name: str
    e_value: float
    counts: Table
    stable_limit_ms: float | None = None
    canary_limit_ms: float | None = None

    def odds_ratio_interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """The odds ratios (canary to stable) that the counts leave standing: a summary, not the decision (`analysis.interval`).

        Worked out when it is asked for, not after every window."""
        return odds_ratio_interval(self.counts, alpha)

    def to_json(self) -> dict[str, Any]:
        counts = self.counts
        data: dict[str, Any] = {
            "name": self.name,
            "e_value": self.e_value,
            "counts": [counts.canary_bad, counts.canary, counts.stable_bad, counts.stable],
        }
        limits = {"stable_limit_ms": self.stable_limit_ms, "canary_limit_ms": self.canary_limit_ms}
        return data | {name: limit for name, limit in limits.items() if limit is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TestEvidence:
        return cls(**{**data, "counts": Table(*data["counts"])})


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

    @property
    def leading(self) -> TestEvidence:
        """The test with the strongest evidence."""
        return max(self.tests, key=lambda test: test.e_value)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "weight": self.weight,
            "e_value": self.e_value,
            "windows": self.windows,
            "raised_in": self.raised_in,
            "tests": [test.to_json() for test in self.tests],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MetricEvidence:
        return cls(**{**data, "tests": tuple(TestEvidence.from_json(test) for test in data["tests"])})


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


@dataclass(frozen=True)
class GuardEvidence:
    """Whether the comparison itself is fair, in one respect: raised when the e-value against that reaches `threshold`."""

    name: str
    raised: bool
    e_value: float
    threshold: float
    sentence: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GuardEvidence:
        return cls(**data)
