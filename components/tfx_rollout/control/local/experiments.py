"""A/B tests."""

from __future__ import annotations

from tfx_rollout.control.documents import Experiment
from tfx_rollout.control.local.model_files import ModelFiles


def running_experiment(files: ModelFiles) -> Experiment | None:
    """The A/B test that runs, if one does."""
    return None
