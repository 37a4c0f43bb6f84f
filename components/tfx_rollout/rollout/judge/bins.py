"""The bins into which predictions are sorted: taken from stable's first predictions, and frozen before they are used."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfx_rollout.rollout.judge.layout import PREDICTION_BINS
from tfx_rollout.rollout.plan import PredictionKind

MIN_PREDICTIONS = 200
"""Predictions of stable that bins are taken from, at least."""


@dataclass(frozen=True)
class Bins:
    """How the predictions of the windows to come are sorted.

    Until stable has made `MIN_PREDICTIONS` predictions, `seen` collects them. From then on there are `names`: of `classes` up to
    nine classes, those that stable predicted most often, in the order of their names; or `edges`: of `numbers` the upper
    ends of stable's tenths, less those that fall together. One more bin has what is in no other: all
    other classes, or what is no number.
    """

    kind: PredictionKind = "classes"
    seen: Mapping[str, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    frozen: bool = False

    @property
    def count(self) -> int:
        """Number of bins; 1 until they are frozen, so that the predictions are counted at least."""
        if not self.frozen:
            return 1
        return len(self.names) + 1 if self.kind == "classes" else len(self.edges) + 2

    def after(self, stable: Mapping[str, int]) -> Bins:
        """With stable's predictions of one more window."""
        if self.frozen or not stable:
            return self
        seen = dict(self.seen)
        for value, times in stable.items():
            seen[value] = seen.get(value, 0) + times
        if sum(seen.values()) < MIN_PREDICTIONS:
            return Bins(self.kind, seen)
        if self.kind == "numbers":
            return Bins(self.kind, edges=_tenths(seen), frozen=True)
        often = sorted(seen, key=lambda name: (-seen[name], name))[: PREDICTION_BINS["classes"] - 1]
        return Bins(self.kind, names=tuple(sorted(often)), frozen=True)

    def counts(self, predictions: Mapping[str, int]) -> list[int]:
        """How many of these predictions fall into each bin."""
        counts = [0] * self.count
        for value, times in predictions.items():
            counts[self._bin(value)] += times
        return counts

    def label(self, index: int) -> str:
        """What a bin has, as words for a sentence."""
        if self.kind == "classes":
            return f"class {self.names[index]}" if index < len(self.names) else "another class"
        if index == self.count - 1:
            return "no number"
        low, high = self.edges[index - 1 : index], self.edges[index : index + 1]
        if not low:
            return f"a number up to {high[0]:g}" if high else "a number"
        return f"a number above {low[0]:g}" + (f" and up to {high[0]:g}" if high else "")

    def _bin(self, value: str) -> int:
        if not self.frozen:
            return 0
        if self.kind == "classes":
            return self.names.index(value) if value in self.names else len(self.names)
        number = _number(value)
        return self.count - 1 if number is None else bisect_left(self.edges, number)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "seen": dict(self.seen),
            "names": list(self.names),
            "edges": list(self.edges),
            "frozen": self.frozen,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Bins:
        return cls(data["kind"], dict(data["seen"]), tuple(data["names"]), tuple(data["edges"]), data["frozen"])


def _tenths(seen: Mapping[str, int]) -> tuple[float, ...]:
    """The nine upper ends of tenths, each once; fewer where many predictions are the same number."""
    numbers = sorted((number, times) for value, times in seen.items() if (number := _number(value)) is not None)
    total, passed, tenth = sum(times for _, times in numbers), 0, 1
    ends = []
    for number, times in numbers:
        passed += times
        if tenth < 10 and 10 * passed >= tenth * total:
            ends.append(number)
            tenth = 10 * passed // total + 1
    return tuple(ends)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return None if math.isnan(number) else number
