"""Rollouts and orders as documents, from the journal's values. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from tfx_rollout.control import documents
from tfx_rollout.control.documents.json_form import finite
from tfx_rollout.control.documents.rollouts import OrderKind
from tfx_rollout.journal import Refusal, revision_of, waiting_orders
from tfx_rollout.rollout.order_signals import of_order
from tfx_rollout.rollout.orders import Order
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.state import Phase, RolloutState
from tfx_rollout.traffic import Split, Track


def rollout_document(plan: Plan, state: RolloutState, orders: Sequence[Order]) -> documents.Rollout:
    """One rollout as it stands."""
    stage = plan.stages[state.stage] if 0 <= state.stage < len(plan.stages) else None
    verdict = state.verdict
    waiting = waiting_orders(state, orders)
    return documents.Rollout(
        id=state.id,
        model=state.model,
        version=state.version,
        stable=state.stable,
        plan=plan.name,
        phase=str(state.phase),
        outcome=state.outcome,
        finished=state.finished,
        passed=state.passed,
        reason=state.reason,
        by=state.by,
        why=state.why,
        created_at=state.created_at,
        phase_since=state.phase_since,
        finished_at=state.finished_at,
        stage=state.stage + 1,
        stages=len(plan.stages),
        stage_kind=None if stage is None else stage.kind,
        share=(Split() if state.wanted is None else state.wanted.split).share(Track.CANARY),
        attempt=state.attempt,
        windows=state.windows,
        e_value=None if verdict is None else finite(verdict.e_value),
        threshold=plan.rollback_threshold(state.attempt),
        call=None if verdict is None else str(verdict.call),
        reasons=[] if verdict is None else list(verdict.reasons),
        remaining=None if verdict is None else verdict.remaining,
        asked=list(state.asked),
        deadline=state.phase_since + plan.promotion_deadline_seconds if state.phase is Phase.HOLDING else None,
        possible_orders=[] if waiting else possible_orders(plan, state),
        orders=[order_document(state, order) for order in waiting],
        revision=revision_of(state, orders),
    )


def order_document(state: RolloutState, order: Order) -> documents.Order:
    """One order of a rollout in this state."""
    return documents.Order(
        rollout=state.id,
        number=order.number,
        kind=order.kind,
        by=order.by,
        why=order.why,
        at=order.at,
        taken=order.number <= state.orders_done,
    )


def possible_orders(plan: Plan, state: RolloutState) -> list[str]:
    """What a person may order of a rollout in this state, by the rules that the controller goes by."""
    kinds: tuple[OrderKind, ...] = get_args(OrderKind)
    tried = (Order(0, kind, "", "", 0.0, now=kind == "rollback") for kind in kinds)
    return [order.kind for order in tried if not isinstance(of_order(plan, state, order), Refusal)]
