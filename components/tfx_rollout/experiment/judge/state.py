"""The judge's state of one A/B test, as JSON carries it: all bits come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tfx_rollout.experiment.judge.ledger import FLOATS, STATES, ExperimentLedger
from tfx_rollout.experiment.judge.verdict import ArmState


@dataclass(frozen=True)
class ExperimentJudgeState:
    """The ledger of one test: a row."""

    ledger: ExperimentLedger

    @property
    def states(self) -> tuple[ArmState, ...]:
        """What is known of each variant, in the plan's order."""
        return tuple(STATES[code] for code in self.ledger.state[0])

    def to_json(self) -> dict[str, Any]:
        return {field.name: getattr(self.ledger, field.name)[0].tolist() for field in fields(ExperimentLedger)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ExperimentJudgeState:
        rows: dict[str, Any] = {
            field.name: np.array([data[field.name]], dtype=np.float64 if field.name in FLOATS else np.int64)
            for field in fields(ExperimentLedger)
        }
        return cls(ExperimentLedger(**rows))
