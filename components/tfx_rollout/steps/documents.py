"""The reports that steps leave to later ones, read back as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_rollout.blessing import Evidence, Kind
from tfx_rollout.errors import InvalidInput
from tfx_rollout.model_store import read_json
from tfx_rollout.steps.canary import Outcome


def read_report(path: Path, what: str) -> Mapping[str, Any]:
    """A step's report. `InvalidInput` where there is none, `CorruptState` where it is no JSON object."""
    document = read_json(path)
    if document is None:
        raise InvalidInput(f"There is no {what} at {path}; give the file that the step before wrote with --report.")
    return document


def evidence_of_validation(path: Path) -> Evidence:
    """The word of an infra validation, from its report. `InvalidInput` for another kind of document."""
    report = read_report(path, "validation report")
    if not isinstance(report.get("blessed"), bool) or "checks" not in report:
        raise InvalidInput(f"{path} is no validation report; give the file that `tfx-rollout validate --report` wrote.")
    return Evidence(
        kind=Kind.INFRA_BLESSING,
        passed=report["blessed"],
        reason=str(report.get("reason", "")),
        digest=str(report.get("digest", "")),
        facts={"report": str(path)},
    )


def read_outcome(path: Path) -> Outcome:
    """What became of a rollout, from its step's report. `InvalidInput` for another kind of document."""
    report = read_report(path, "rollout report")
    try:
        return Outcome.from_json(report)
    except (KeyError, TypeError, ValueError) as fault:
        raise InvalidInput(
            f"{path} is no report of a rollout step ({fault!r}); give the file that `tfx-rollout rollout run --report` wrote."
        ) from fault


def evidence_of_rollout(found: Outcome) -> Evidence:
    """The rollout's word."""
    return Evidence(
        kind=Kind.ROLLOUT,
        passed=found.passed,
        reason=found.reason,
        digest=found.digest,
        facts={
            "outcome": found.outcome,
            "rollout": found.rollout,
            "generation": found.generation,
            "version": "" if found.version is None else str(found.version),
        },
    )
