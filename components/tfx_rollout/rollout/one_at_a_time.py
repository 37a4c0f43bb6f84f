"""A model has one rollout or A/B test at a time: which rollout that is, and what refuses to begin anything else beside a test."""

from __future__ import annotations

from collections.abc import Iterable

from tfx_rollout.errors import ExperimentInProgress
from tfx_rollout.model_store import BasePath, read_json
from tfx_rollout.rollout.state import Phase, RolloutState


def current_rollout(unfinished: Iterable[RolloutState]) -> RolloutState | None:
    """Of those that have not ended, oldest first: the one that has begun, else the first that waits for its turn."""
    waiting = None
    for state in unfinished:
        if state.phase is not Phase.QUEUED:
            return state
        waiting = waiting or state
    return waiting


def refuse_beside_experiment(base: BasePath) -> None:
    """Raises `ExperimentInProgress` while an A/B test of the model runs. To be called under the base path's lock."""
    # The tests' own part lies above this one; that a test has ended is all that counts here.
    for path in sorted((base.control / "experiments").glob("*/state.json")):
        state = read_json(path)
        if state is not None and state.get("finished_at") is None:
            raise ExperimentInProgress(base.name, path.parent.name)
