"""Infra validation as a step: the candidate is validated, and the result says which model it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_rollout.errors import InvalidModel
from tfx_rollout.model_store import content_digest
from tfx_rollout.steps.page import Row, render_page
from tfx_rollout.validation import Limits, RequestSettings, ValidationResult, validate


@dataclass(frozen=True)
class Validated:
    """A validation's result, bound to its model by the content digest (empty for a folder that can be no version)."""

    result: ValidationResult
    digest: str

    @property
    def blessed(self) -> bool:
        """Whether the model may be pushed."""
        return self.result.blessed

    @property
    def reason(self) -> str:
        """What speaks against the model, or for it, in one line."""
        return self.result.reason

    def to_json(self) -> Mapping[str, Any]:
        """The report: all figures, and the digest."""
        return {**self.result.to_json(), "digest": self.digest}

    def to_html(self) -> str:
        """The report as a page."""
        rows = [Row((check.question,), " ".join(check.faults) or "yes", check.passed) for check in self.result.checks]
        said = "blessed" if self.blessed else "not blessed"
        return render_page("Infra validation", said, self.blessed, self.reason, ("question", "answer"), rows)


def validate_model(
    candidate: Path,
    model: str,
    *,
    examples: Sequence[str | Path] | None = None,
    baseline: Path | None = None,
    settings: RequestSettings | None = None,
    limits: Limits | None = None,
    work: Path | None = None,
) -> Validated:
    """`tfx_rollout.validation.validate`, with the same parameters and errors, bound to the model."""
    result = validate(candidate, model, examples=examples, baseline=baseline, settings=settings, limits=limits, work=work)
    return Validated(result, _digest(candidate))


def _digest(candidate: Path) -> str:
    try:
        return content_digest(candidate)
    except InvalidModel:
        return ""  # it is not blessed anyway
