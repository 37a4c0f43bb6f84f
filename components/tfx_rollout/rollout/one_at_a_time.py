"""A model has one rollout or A/B test at a time: what says so to those who want to begin something else."""

from __future__ import annotations

from tfx_rollout.errors import ExperimentInProgress
from tfx_rollout.model_store import BasePath, read_json


def refuse_beside_experiment(base: BasePath) -> None:
    """Raises `ExperimentInProgress` while an A/B test of the model runs. To be called under the base path's lock."""
    # The tests' own part lies above this one; that a test has ended is all that counts here.
    for path in sorted((base.control / "experiments").glob("*/state.json")):
        state = read_json(path)
        if state is not None and state.get("finished_at") is None:
            raise ExperimentInProgress(base.name, path.parent.name)
