"""Rollouts: the plan, the judge that decides on windows of evidence, and the controller that acts."""

from tfx_rollout.rollout.judge import begin, judge, open_stage
from tfx_rollout.rollout.judge_state import JudgeState
from tfx_rollout.rollout.plan import Plan, Stage, built_in_plans, json_schema, load_plan, plan_from_dict
from tfx_rollout.rollout.verdict import Call, Verdict

__all__ = [
    "Call",
    "JudgeState",
    "Plan",
    "Stage",
    "Verdict",
    "begin",
    "built_in_plans",
    "json_schema",
    "judge",
    "load_plan",
    "open_stage",
    "plan_from_dict",
]
