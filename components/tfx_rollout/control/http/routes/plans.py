"""Plans of rollouts and of A/B tests: what ships, and whether a document of one's own is right."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body

from tfx_rollout.control.documents import PlanDocument, Plans, Role
from tfx_rollout.control.http.keeping.sameness import same_while, the_program
from tfx_rollout.control.http.parameters import PlanName
from tfx_rollout.control.http.route import Asked, needs, routes_of

router = routes_of("plans", prefix="/v1")
_Document = Annotated[dict[str, Any], Body(description="The whole plan.", examples=[{"name": "careful"}])]


@router.get("/plans", **needs(Role.READ))
@same_while(the_program)
def list_plans(control: Asked) -> Plans:
    """The plans that ship with the program, all defaults filled in."""
    return control.plans()


@router.get("/plans/{name}", **needs(Role.READ, 404, 422))
def get_plan(control: Asked, name: PlanName) -> PlanDocument:
    """One of these plans."""
    return control.plan(name)


@router.post("/plans/check", **needs(Role.READ, body=True))
def check_plan(control: Asked, document: _Document) -> PlanDocument:
    """Whether a plan is right: all its faults, or the plan with its defaults. Nothing is kept."""
    return control.check_plan(document)


@router.post("/experiments/check", **needs(Role.READ, body=True))
def check_experiment(control: Asked, document: _Document) -> PlanDocument:
    """Whether the plan of an A/B test is right: all its faults, or the plan with its defaults. Nothing is kept."""
    return control.check_experiment(document)
