"""Whether the process answers, whether the setup can do its work, and the metrics for Prometheus."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Request, Response
from pydantic import BaseModel

from tfx_rollout.control.documents import Readiness
from tfx_rollout.control.http.route import public, routes_of

router = routes_of("health")
_NOT_READY: dict[int | str, dict[str, Any]] = {503: {"model": Readiness, "description": "It is not ready; `reasons` says why."}}


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", **public())
async def get_health() -> Health:
    """Whether the process answers; looks at nothing."""
    return Health()


@router.get("/readyz", **public(responses=_NOT_READY))
def get_readiness(request: Request, response: Response) -> Readiness:
    """Whether a supervisor serves the root, and its files can be read."""
    found: Readiness = request.app.state.back.own_control.readiness()
    if not found.ready:
        response.status_code = 503
    return found
