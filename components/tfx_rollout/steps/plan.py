"""The plan as a step's parameter: a name, a file, or the whole document, since pipelines carry it about as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.rollout import Plan, load_plan, plan_from_dict

WHAT = "the parameter plan"


def read_plan(plan: Any) -> Plan:
    """A plan from its document (a dict or JSON), or from a name or file. `InvalidPlan` and `NotFound` say what is wrong."""
    if isinstance(plan, Mapping):
        return plan_from_dict(plan, what=WHAT)
    if not str(plan).lstrip().startswith("{"):
        return load_plan(plan)
    try:
        document = json.loads(plan)
    except ValueError as fault:
        raise InvalidPlan(WHAT, [f"document: it is no JSON ({fault})"]) from fault
    return plan_from_dict(document, what=WHAT)
