"""What a view shows, read at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from tfx_rollout.cli.plain_text import plain_tree
from tfx_rollout.control.documents import Experiment, ModelOverview, Rollout
from tfx_rollout.control.interface import Control

D = TypeVar("D", bound=BaseModel)


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
    return RolloutSnapshot(
        _plain(control.rollout(model, rollout)),
        plain_tree(control.rollout_report(model, rollout)),
        _plain(control.model(model)),
        now,
    )


def read_experiment_snapshot(control: Control, model: str, experiment: str, now: float) -> ExperimentSnapshot:
    """Reads what `experiment_view` shows."""
    return ExperimentSnapshot(
        _plain(control.experiment(model, experiment)),
        plain_tree(control.experiment_report(model, experiment)),
        _plain(control.model(model)),
        now,
    )


def _plain(document: D) -> D:
    return type(document).model_validate(plain_tree(document.model_dump()))
