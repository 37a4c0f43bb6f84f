"""A/B tests: the live version against others, each user always with the same one, judged by a metric of the owner's choice."""

from tfx_rollout.experiment.judge import ArmEvidence, ArmState, ExperimentVerdict
from tfx_rollout.experiment.machine import EXPERIMENT_TABLE, ExperimentEvent, ExperimentPhase
from tfx_rollout.experiment.operations import (
    ExperimentRecord,
    await_experiment,
    list_experiments,
    read_experiment,
    running_experiment,
    send_experiment_order,
    start_experiment,
)
from tfx_rollout.experiment.orders import (
    EXPERIMENT_ORDER_KINDS,
    ExperimentOrder,
    ExperimentOrderKind,
    possible_experiment_orders,
)
from tfx_rollout.experiment.plan import (
    ExperimentPlan,
    HarmGuard,
    Variant,
    example_experiment_plans,
    experiment_from_dict,
    experiment_schema,
    load_experiment_plan,
)
from tfx_rollout.experiment.report import (
    build_experiment_report,
    experiment_outcome,
    render_experiment_html,
    render_experiment_text,
)
from tfx_rollout.experiment.state import ExperimentOutcome, ExperimentState

__all__ = [
    "EXPERIMENT_ORDER_KINDS",
    "EXPERIMENT_TABLE",
    "ArmEvidence",
    "ArmState",
    "ExperimentEvent",
    "ExperimentOrder",
    "ExperimentOrderKind",
    "ExperimentOutcome",
    "ExperimentPhase",
    "ExperimentPlan",
    "ExperimentRecord",
    "ExperimentState",
    "ExperimentVerdict",
    "HarmGuard",
    "Variant",
    "await_experiment",
    "build_experiment_report",
    "example_experiment_plans",
    "experiment_from_dict",
    "experiment_outcome",
    "experiment_schema",
    "list_experiments",
    "load_experiment_plan",
    "possible_experiment_orders",
    "read_experiment",
    "render_experiment_html",
    "render_experiment_text",
    "running_experiment",
    "send_experiment_order",
    "start_experiment",
]
