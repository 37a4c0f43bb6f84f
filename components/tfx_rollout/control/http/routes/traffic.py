"""The metrics of the traffic: in JSON for a span of time, and for Prometheus."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from tfx_rollout.control.documents import Role, Traffic
from tfx_rollout.control.http.keeping.sameness import all_metrics, same_while, the_traffic
from tfx_rollout.control.http.parameters import Model
from tfx_rollout.control.http.route import Asked, needs, routes_of
from tfx_rollout.metrics.exposition import CONTENT_TYPE
from tfx_rollout.metrics.following import TURN_S

router = routes_of("metrics")
_Time = Query(description="Seconds since the epoch.", ge=0, le=10**11, allow_inf_nan=False)


@router.get("/v1/models/{model}/traffic", **needs(Role.READ, 404, 422))
@same_while(the_traffic, TURN_S)
def get_traffic(
    control: Asked,
    model: Model,
    since: Annotated[float | SkipJsonSchema[None], _Time] = None,
    until: Annotated[float | SkipJsonSchema[None], _Time] = None,
    step: Annotated[
        float | SkipJsonSchema[None], Query(description="Seconds of one point.", gt=0, le=10**7, allow_inf_nan=False)
    ] = None,
) -> Traffic:
    """Per track and version what was served; by default of the last 15 minutes, in about a hundred steps."""
    return control.traffic(model, since=since, until=until, step=step)


@router.get(
    "/metrics",
    response_class=Response,
    **needs(
        Role.READ,
        responses={200: {"description": "All metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
    ),
)
@same_while(all_metrics, TURN_S)
def get_metrics(request: Request) -> Response:
    """All metrics in Prometheus' text format."""
    return Response(request.app.state.back.exposition.render(), media_type=CONTENT_TYPE)
