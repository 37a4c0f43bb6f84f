"""How far a model's rollouts are, for the metrics."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from tfx_rollout.journal import Unfinished
from tfx_rollout.metrics.progress import RolloutFigures, RolloutProgress
from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.state import Outcome, Phase, RolloutState


class ProgressReader:
    """A `RolloutSource` over the records of a root. Each record of an ended rollout is read once, and so is each plan."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._unfinished: dict[str, Unfinished[RolloutState]] = {}
        """By model."""
        self._plans: dict[tuple[str, str], Plan] = {}
        """Of the rollouts that have not ended, by model and rollout."""

    def __call__(self, model: str) -> RolloutProgress:
        """The rollouts of one model. Raises `CorruptState`, `StorageFault`."""
        base = self._store.model(model)
        unfinished = self._unfinished.setdefault(model, Journal.unfinished(base))
        states = list(unfinished)
        plans = {(model, state.id): self._plan(Journal(base, state.id)) for state in states}
        self._plans = {key: plan for key, plan in self._plans.items() if key[0] != model} | plans
        running = tuple(rollout_figures(state, plans[model, state.id]) for state in states)
        ended = Counter(unfinished.outcomes.values())
        return RolloutProgress(running, {outcome: ended[outcome] for outcome in get_args(Outcome)})

    def _plan(self, journal: Journal) -> Plan:
        return self._plans.get((journal.base.name, journal.id)) or journal.plan()


def rollout_figures(state: RolloutState, plan: Plan) -> RolloutFigures:
    """What the metrics tell of one rollout that has not ended."""
    verdict = state.verdict
    evidence = {} if verdict is None else {name: metric.e_value for name, metric in verdict.metrics.items()}
    return RolloutFigures(
        rollout=state.id,
        version=state.version,
        phase=str(state.phase),
        phase_since=state.phase_since,
        stage=state.stage + 1,
        stages=len(plan.stages),
        evidence={"all": 1.0 if verdict is None else verdict.e_value, **evidence},
        threshold=plan.rollback_threshold(state.attempt),
        deadline=state.phase_since + plan.promotion_deadline_seconds if state.phase is Phase.HOLDING else None,
    )
