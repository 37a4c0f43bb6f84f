"""Every way in which a request can fail, as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tfx_rollout.control.documents import FieldFault, Problem
from tfx_rollout.errors import (
    Conflict,
    InvalidInput,
    InvalidPlan,
    NotFound,
    RolloutError,
    ServingFault,
    StorageFault,
)

MEDIA_TYPE = "application/problem+json"

STATUSES: Mapping[type[RolloutError], int] = {
    InvalidInput: 422,
    NotFound: 404,
    Conflict: 409,
    StorageFault: 503,
    ServingFault: 503,
}
"""The status of each error of the tree; one that is not named has its nearest ancestor's."""

UNFORESEEN = Problem(
    type="/problems/unforeseen",
    title="Unforeseen",
    status=500,
    detail="The API failed at this request in a way that was not foreseen; ask again, or see its log for the whole story.",
)


class Refused(HTTPException):
    """A request that is refused before anything is asked of the root, or with more to tell than an error of the tree.

    `headers` go with the answer.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        errors: Sequence[FieldFault] = (),
        current: BaseModel | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.problem = problem(status, kind, detail, errors=errors, current=current)
        # FastAPI passes errors of this kind through where it reads a body; any other would become its own 400.
        super().__init__(status, detail, dict(headers or {}))


def problem(
    status: int, kind: str, detail: str, *, errors: Iterable[FieldFault] = (), current: BaseModel | None = None
) -> Problem:
    """The document. `kind` is words joined by `-`."""
    return Problem(
        type=f"/problems/{kind}",
        title=kind.replace("-", " ").capitalize(),
        status=status,
        detail=detail,
        errors=list(errors),
        current=None if current is None else current.model_dump(mode="json"),
    )


def of_error(error: RolloutError, current: BaseModel | None = None) -> Problem:
    """An error of the tree; `current` is what is there now, at a conflict. One that is in no table is `UNFORESEEN`."""
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None)
    if status is None:
        return UNFORESEEN
    faults = [_field_fault(line) for line in error.faults] if isinstance(error, InvalidPlan) else []
    return problem(status, kind_of(type(error)), str(error), errors=faults, current=current)


def kind_of(error: type[RolloutError]) -> str:
    """How a problem's `type` ends: `stale-generation` for `StaleGeneration`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", error.__name__).lower()


def of_status(status: int, path: str, method: str, allowed: str | None = None) -> Problem:
    """What the framework refuses by itself: an unknown address, a wrong method."""
    if status == HTTPStatus.NOT_FOUND:
        return problem(404, "no-such-address", f"There is nothing at {path[:200]}; /openapi.json lists all addresses.")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return problem(
            405, "method-not-allowed", f"{path[:200]} does not take {method[:20]}; it takes {allowed or 'other methods'}."
        )
    if status == HTTPStatus.BAD_REQUEST:
        return problem(400, "bad-request", "The request cannot be read; send valid HTTP with a body in UTF-8 JSON.")
    return problem(status, "refused", f"{method[:20]} {path[:200]} is refused: {HTTPStatus(status).phrase}.")


def answer(found: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The response that tells it."""
    return Response(found.model_dump_json(), found.status, headers, MEDIA_TYPE)


def _field_fault(line: str) -> FieldFault:
    """A plan's fault; each line begins with the field that it is about."""
    field, _, rest = line.partition(" ")
    return FieldFault(field=field, reason=rest or line)
