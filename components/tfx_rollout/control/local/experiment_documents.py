"""A/B tests as documents, from the journal's values. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tfx_rollout.control.documents import Experiment
from tfx_rollout.experiment.judge import assess
from tfx_rollout.experiment.operations import ExperimentRecord
from tfx_rollout.experiment.orders import ExperimentOrder, possible_experiment_orders
from tfx_rollout.experiment.plan import ExperimentPlan
from tfx_rollout.experiment.report.document import arm_rows
from tfx_rollout.experiment.state import ExperimentState
from tfx_rollout.journal import revision_of, waiting_orders


def experiment_document(plan: ExperimentPlan, state: ExperimentState, orders: Sequence[ExperimentOrder]) -> Experiment:
    """One A/B test as it stands."""
    verdict = state.verdict or assess(plan, state.judge, state.versions)
    waiting = waiting_orders(state, orders)
    return Experiment(
        id=state.id,
        model=state.model,
        name=state.name,
        phase=str(state.phase),
        outcome=state.outcome,
        finished=state.finished,
        reason=state.reason,
        by=state.by,
        why=state.why,
        created_at=state.created_at,
        finished_at=state.finished_at,
        until=state.ends_at,
        metric=plan.metric.name,
        header=plan.header,
        alpha=plan.alpha,
        arms=arm_rows(state, verdict, ExperimentRecord(state.id, plan, state)),
        windows=state.windows,
        possible_orders=[] if waiting else list(possible_experiment_orders(state)),
        revision=revision_of(state, orders),
    )
