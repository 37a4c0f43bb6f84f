"""Rollouts: the plan, the judge that decides on windows of evidence, and the controller that acts."""

from tfx_rollout.journal import revision_of, waiting_orders
from tfx_rollout.rollout.clock import Clock
from tfx_rollout.rollout.controller import RolloutController
from tfx_rollout.rollout.judge import Call, JudgeState, Verdict, begin, judge, open_stage
from tfx_rollout.rollout.machine import TABLE, Effect, Event, ImpossibleTransition, Transition, transition
from tfx_rollout.rollout.operations import (
    RolloutRecord,
    await_rollout,
    list_rollouts,
    read_rollout,
    rollback_to_previous,
    running_rollout,
    send_order,
    start_rollout,
)
from tfx_rollout.rollout.orders import ORDER_KINDS, Expectation, Order, OrderKind
from tfx_rollout.rollout.plan import Plan, Stage, built_in_plans, json_schema, load_plan, plan_from_dict
from tfx_rollout.rollout.report import build_report, outcome, render_html, render_text
from tfx_rollout.rollout.state import Outcome, Phase, RolloutState

__all__ = [
    "ORDER_KINDS",
    "TABLE",
    "Call",
    "Clock",
    "Effect",
    "Event",
    "Expectation",
    "ImpossibleTransition",
    "JudgeState",
    "Order",
    "OrderKind",
    "Outcome",
    "Phase",
    "Plan",
    "RolloutController",
    "RolloutRecord",
    "RolloutState",
    "Stage",
    "Transition",
    "Verdict",
    "await_rollout",
    "begin",
    "build_report",
    "built_in_plans",
    "json_schema",
    "judge",
    "list_rollouts",
    "load_plan",
    "open_stage",
    "outcome",
    "plan_from_dict",
    "read_rollout",
    "render_html",
    "render_text",
    "revision_of",
    "rollback_to_previous",
    "running_rollout",
    "send_order",
    "start_rollout",
    "transition",
    "waiting_orders",
]
