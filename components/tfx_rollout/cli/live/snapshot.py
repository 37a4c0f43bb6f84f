"""What a view shows, read at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfx_rollout.control.documents import Experiment, ModelOverview, Rollout
from tfx_rollout.control.interface import Control


@dataclass(frozen=True)
class RolloutSnapshot:
    """A rollout, its report and its model. `now` is in seconds since the epoch."""

    rollout: Rollout
    report: Mapping[str, Any]
    overview: ModelOverview
    now: float
    notice: str = ""
    """What keeps newer figures from coming, if something does."""


@dataclass(frozen=True)
class ExperimentSnapshot:
    """An A/B test and its model, in the same way."""

    experiment: Experiment
    report: Mapping[str, Any]
    overview: ModelOverview
    now: float
    notice: str = ""


def read_rollout_snapshot(control: Control, model: str, rollout: str, now: float) -> RolloutSnapshot:
    """Reads what `rollout_view` shows."""
    return RolloutSnapshot(control.rollout(model, rollout), control.rollout_report(model, rollout), control.model(model), now)


def read_experiment_snapshot(control: Control, model: str, experiment: str, now: float) -> ExperimentSnapshot:
    """Reads what `experiment_view` shows."""
    return ExperimentSnapshot(
        control.experiment(model, experiment), control.experiment_report(model, experiment), control.model(model), now
    )
