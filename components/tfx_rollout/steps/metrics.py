"""The offline evaluation's word on a model: its metrics held against requirements."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_rollout.blessing import Evidence, Kind
from tfx_rollout.errors import InvalidInput, InvalidPlan
from tfx_rollout.model_store import read_json

_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_FORM = re.compile(r"\s*(?P<name>[^\s<>=]+)\s*(?P<sign>>=|<=|>|<)\s*(?P<bound>\S+)\s*")


@dataclass(frozen=True)
class Requirement:
    """A bound that a metric has to keep: `accuracy >= 0.9`."""

    metric: str
    sign: str
    bound: float

    def holds(self, value: float) -> bool:
        """Whether the value keeps the bound; NaN keeps none."""
        return _HOLDS[self.sign](value, self.bound)

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.bound:g}"


def parse_requirements(text: str) -> list[Requirement]:
    """From `accuracy>=0.9, loss<0.5`; none of them from empty text. `InvalidInput` says what they have to look like."""
    return [_requirement(part) for part in text.split(",") if part.strip()]


def _requirement(text: str) -> Requirement:
    found = _FORM.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        return Requirement(found["name"], found["sign"], float(found["bound"]))
    except ValueError as fault:
        raise InvalidInput(
            f"{text.strip()!r} is no requirement; write metric, sign (>= <= > <) and number: accuracy>=0.9."
        ) from fault


def read_metrics(path: Path, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metrics in a JSON file, and those that Kubeflow's own metrics artifacts carry as metadata; the file's count.

    `InvalidInput` where there are neither, `CorruptState` for a file that is no JSON object.
    """
    found = {**metadata, **((read_json(path) if path.is_file() else None) or {})}
    if not found:
        raise InvalidInput(f"There are no metrics at {path}; give a file that holds a JSON object of numbers.")
    return found


def evidence_of_metrics(metrics: Mapping[str, Any], requirements: Sequence[Requirement], digest: str, source: str) -> Evidence:
    """The model's blessing by its metrics: a yes where every requirement holds.

    `source` says where the metrics are from. `digest` names the model that they are about, unless
    they name one themselves (`digest` among them). `InvalidPlan` names every requirement whose metric is not there or no number.
    """
    faults = [
        f"{requirement}: the metric {requirement.metric} is not there (there: {', '.join(_numbers(metrics)) or 'none'})"
        for requirement in requirements
        if requirement.metric not in _numbers(metrics)
    ]
    if faults:
        raise InvalidPlan(f"the requirements on {source}", faults)
    broken = [f"{r.metric} is {metrics[r.metric]:g}, required is {r}" for r in requirements if not r.holds(metrics[r.metric])]
    named = metrics.get("digest")
    return Evidence(
        kind=Kind.MODEL_BLESSING,
        passed=not broken,
        reason="; ".join(broken) or ", ".join(f"{r.metric} is {metrics[r.metric]:g}" for r in requirements),
        digest=named if isinstance(named, str) and named else digest,
        facts={"metrics": source, "requirements": [str(requirement) for requirement in requirements]},
    )


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if isinstance(value, (int, float)) and not isinstance(value, bool)}
