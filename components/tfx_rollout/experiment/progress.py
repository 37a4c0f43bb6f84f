"""How far a model's A/B tests are, for the metrics."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.experiment.judge import ArmEvidence
from tfx_rollout.experiment.state import ExperimentOutcome, ExperimentState
from tfx_rollout.journal import Unfinished
from tfx_rollout.metrics.progress import ArmFigures, ExperimentFigures, ExperimentProgress
from tfx_rollout.model_store import ModelStore


class ExperimentProgressReader:
    """An `ExperimentSource` over the records of a root. Each record of an ended test is read once."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._unfinished: dict[str, Unfinished[ExperimentState]] = {}
        """By model."""

    def __call__(self, model: str) -> ExperimentProgress:
        """The A/B tests of one model. Raises `CorruptState`, `StorageFault`."""
        base = self._store.model(model)
        unfinished = self._unfinished.setdefault(model, ExperimentJournal.unfinished(base))
        running = tuple(experiment_figures(state) for state in unfinished)
        ended = Counter(unfinished.outcomes.values())
        return ExperimentProgress(running, {outcome: ended[outcome] for outcome in get_args(ExperimentOutcome)})


def experiment_figures(state: ExperimentState) -> ExperimentFigures:
    """What the metrics tell of one A/B test that has not ended; of its arms nothing before the first verdict."""
    verdict = state.verdict
    if verdict is None:
        return ExperimentFigures(state.id, str(state.phase), state.ends_at)
    return ExperimentFigures(
        experiment=state.id,
        phase=str(state.phase),
        ends_at=state.ends_at,
        arms=tuple(_arm(arm) for arm in verdict.arms.values()),
        thresholds={"better": verdict.threshold, "worse": verdict.threshold, "harm": verdict.harm_threshold},
    )


def _arm(arm: ArmEvidence) -> ArmFigures:
    claims = {"better": arm.evidence_better, "worse": arm.evidence_worse, "harm": arm.harm}
    known = {claim: value for claim, value in claims.items() if value is not None}
    return ArmFigures(arm.track, arm.version, arm.users, arm.outcomes, arm.value, known)
