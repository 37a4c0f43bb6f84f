"""Rollouts: start one, see how it stands, order something of it."""

from __future__ import annotations

from fastapi import Response

from tfx_rollout.control.documents import Order, OrderWanted, Role, Rollout, Rollouts, RolloutWanted
from tfx_rollout.control.http.current import with_current
from tfx_rollout.control.http.keeping.sameness import same_while, the_model, the_rollout
from tfx_rollout.control.http.parameters import IfMatchRevision, Limit, Model, Offset, RolloutId, revision
from tfx_rollout.control.http.reports import REPORT_ANSWERS, WantedReport
from tfx_rollout.control.http.route import Asked, header, needs, routes_of

router = routes_of("rollouts", prefix="/v1/models/{model}/rollouts")
ETAG = {"ETag": header("The revision, for If-Match.", '"12.3.0"')}
LOCATION = {"Location": header("Where the new one is.", "/v1/models/taxi/rollouts/20261122T100545-v2")}


@router.get("", **needs(Role.READ, 404, 422))
@same_while(the_model)
def list_rollouts(control: Asked, model: Model, limit: Limit = 100, offset: Offset = 0) -> Rollouts:
    """A model's rollouts, newest first."""
    return control.rollouts(model, limit=limit, offset=offset)


@router.post("", status_code=201, **needs(Role.OPERATE, 404, 409, body=True, responses={201: {"headers": LOCATION}}))
def start_rollout(control: Asked, model: Model, wanted: RolloutWanted, response: Response) -> Rollout:
    """Start a rollout; the supervisor carries it out."""
    with with_current(lambda: control.model(model)):
        started = control.start_rollout(model, wanted)
    response.headers["Location"] = f"/v1/models/{model}/rollouts/{started.id}"
    return started


@router.get("/{rollout}", **needs(Role.READ, 404, 422, responses={200: {"headers": ETAG}}))
@same_while(the_rollout)
def get_rollout(control: Asked, model: Model, rollout: RolloutId, response: Response) -> Rollout:
    """One rollout, as it stands."""
    found = control.rollout(model, rollout)
    response.headers["ETag"] = f'"{found.revision}"'
    return found


@router.post("/{rollout}/orders", status_code=202, **needs(Role.OPERATE, 404, 409, body=True))
def order(control: Asked, model: Model, rollout: RolloutId, wanted: OrderWanted, if_match: IfMatchRevision = None) -> Order:
    """Order something of a rollout; the supervisor takes it up within a second."""
    with with_current(lambda: control.rollout(model, rollout)):
        return control.order(model, rollout, wanted, expected=revision(if_match))


@router.get("/{rollout}/report", response_class=Response, **needs(Role.READ, 404, 422, responses=REPORT_ANSWERS))
def get_rollout_report(control: Asked, model: Model, rollout: RolloutId, wanted: WantedReport) -> Response:
    """Everything about a rollout: what happened, each window, each verdict; as JSON, or as a page."""
    from tfx_rollout.rollout.report.page import render_html

    return wanted.answer(
        about=("rollout", model, rollout),
        revision=control.rollout(model, rollout).revision,
        build=lambda: control.rollout_report(model, rollout),
        render=render_html,
    )
