"""A metric of the owner's choice: what people give feedback about, by request id, for an A/B test to be judged by."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

MetricKind = Literal["event", "binary", "number"]
Better = Literal["higher", "lower"]

CORRECT = "correct"
"""The metric that rows of the form `{"request_id": …, "correct": …}` are about."""


@dataclass(frozen=True)
class Metric:
    """What is measured of each user, and which way is better.

    Kinds: `event`, something that happens or not (a conversion): who gives no feedback within the time counts as no;
    `binary`, right or wrong: who gives none is unknown, and does not count; `number`, a rating within bounds: the same.
    """

    name: str
    kind: MetricKind
    within_seconds: float
    """How long after a user's first request feedback about it counts."""
    better: Better = "higher"
    low: float | None = None
    """Bounds of a `number`; None for other kinds."""
    high: float | None = None

    def fault(self, value: object) -> str | None:
        """What is wrong with a value, as the end of a sentence; None where it can be one of this metric."""
        if self.kind != "number":
            return None if isinstance(value, bool) else f"{_shown(value)} for {self.name}, which is neither true nor false"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"{_shown(value)} for {self.name}, which is no number"
        assert self.low is not None
        assert self.high is not None
        if not self.low <= value <= self.high:
            return f"{_shown(value)} for {self.name}, which is not between {self.low:g} and {self.high:g}"
        return None

    def to_json(self) -> dict[str, Any]:
        bounds = {"low": self.low, "high": self.high} if self.kind == "number" else {}
        data: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "better": self.better,
            "within_seconds": self.within_seconds,
        }
        return data | bounds

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Metric:
        return cls(**data)


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else text[:37] + "..."
