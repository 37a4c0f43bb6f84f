"""How a route is declared, and what is asked of a request before anything else is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from tfx_rollout.control.documents import FieldFault, Role
from tfx_rollout.control.http.back import Back
from tfx_rollout.control.http.bodies import bounded, too_large
from tfx_rollout.control.http.problems import MEDIA_TYPE, Refused
from tfx_rollout.control.http.sentences import detail
from tfx_rollout.control.interface import Control

SCHEME = "token"
"""The name of the way to say who one is, in the schema."""
JSON = "application/json"
PROBLEM_SCHEMA = "#/components/schemas/Problem"

_DESCRIPTIONS = {
    400: "The request cannot be read.",
    401: "No token, or none that is valid.",
    403: "The token's role does not allow it, or a page of another site asked.",
    404: "There is no such thing.",
    408: "The body did not come in time.",
    409: "Somebody else was first, or it does not fit what is there now, which `current` tells.",
    413: "The body is too large.",
    415: "The body is of another type than JSON.",
    421: "The server is not called so.",
    422: "Something given is wrong; `errors` says which field, and why.",
    428: "The change must say which state it is based on (If-Match).",
    429: "Too many requests; Retry-After says when to come again.",
    500: "An error of the server.",
    503: "The files of the root cannot be used, or too many are watching.",
}
_ALWAYS = (400, 421, 429, 500)
_KNOWN_CALLER = (401, 403, 503)
_WITH_BODY = (408, 413, 415, 422)


def public(*statuses: int, **more: Any) -> dict[str, Any]:
    """What a route's decorator is given when everybody may ask."""
    return {"responses": {**_problems([*_ALWAYS, *statuses]), **more.pop("responses", {})}, **more}


def needs(role: Role, *statuses: int, body: bool = False, types: Iterable[str] = (JSON,), **more: Any) -> dict[str, Any]:
    """What a route's decorator is given when this role is needed: it is published, and it is what `Guarded` sees to.

    `statuses` are those of problems that this route has beside the common ones, `types` the content types of its body.
    """
    extra: dict[str, Any] = {"security": [{SCHEME: [role.value]}], **more.pop("openapi_extra", {})}
    if body:
        extra["x-content-types"] = list(types)
    own = more.pop("responses", {})
    common = [*_ALWAYS, *_KNOWN_CALLER, *(_WITH_BODY if body else ()), *statuses]
    return {"responses": {**_problems(common), **own}, "openapi_extra": extra, **more}


def _problems(statuses: Iterable[int]) -> dict[int | str, dict[str, Any]]:
    content = {MEDIA_TYPE: {"schema": {"$ref": PROBLEM_SCHEMA}}}
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted(set(statuses)):
        found[status] = {"description": _DESCRIPTIONS[status], "content": content}
        if status == HTTPStatus.UNAUTHORIZED:
            found[status]["headers"] = {
                "WWW-Authenticate": {"schema": {"type": "string"}, "description": "Bearer", "required": True}
            }
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            found[status]["headers"] = {
                "Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds to wait.", "required": True}
            }
    return found


class Guarded(APIRoute):
    """A route that looks at who asks, how often and with what, before the body is read.

    In this order: is the caller known (401), not too often here (429), and allowed to (403); is the body of a type
    that is taken here (415) and not too long (413); is every parameter known (422). An answer that is kept and still
    right (`keeping`) is given at once, at a fraction of what making it costs.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See `Route`."""
        # Most routes differ from what is asked in how many parts they have, which is told at a fraction of the price.
        if scope["path"].count("/") != self.path.count("/") and ":path}" not in self.path:
            return Match.NONE, {}
        return super().matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `Route`."""
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        back: Back = scope["app"].state.back
        request = Request(scope, receive)
        try:
            slot = back.slot(self.endpoint, request)
            await back.admit(request, self.role)
            if slot is not None:
                await slot.look(back.glance)
            receive = self._body(request, back)
            if slot is not None and slot.found is not None:
                # Only what was right to ask has an answer that is kept.
                await slot.give(send)
                return
            self._check_parameters(request)
        except Refused as refusal:
            await back.record_refusal(request, refusal.problem.status, refusal.problem.detail)
            raise
        await super().handle(scope, receive, send if slot is None else slot.noting(send))

    @property
    def role(self) -> Role | None:
        """The role that is needed; None where everybody may ask."""
        security = (self.openapi_extra or {}).get("security")
        return Role(security[0][SCHEME][0]) if security else None

    @property
    def _types(self) -> list[str]:
        return (self.openapi_extra or {}).get("x-content-types", [])

    def _body(self, request: Request, back: Back) -> Receive:
        limits = back.limits
        at_most = limits.body_bytes if self._types in ([], [JSON]) else limits.feedback_bytes
        if not self._types and _has_body(request):
            raise Refused(
                400,
                "bad-request",
                f"{request.method} takes no body here; send none.",
                headers={"Connection": "close"},
            )
        if self._types:
            given = request.headers.get("content-type", "").split(";")[0].strip().lower()
            if given not in self._types:
                said = f"has the type {given[:60]!r}" if given else "has no Content-Type"
                raise Refused(415, "unsupported-media-type", f"The body {said}; send it as {' or '.join(self._types)}.")
            if request.headers.get("content-encoding", "identity").lower() != "identity":
                raise Refused(415, "unsupported-media-type", "The body is compressed, which is not taken here; send it as it is.")
        if (length := request.headers.get("content-length", "0")).isdigit() and int(length) > at_most:
            raise too_large(at_most)
        return bounded(request.receive, at_most=at_most, seconds=limits.body_seconds)

    def _check_parameters(self, request: Request) -> None:
        """A misspelt `dry_run` must not become a change."""
        known = _query_names(self.dependant)
        given = [name for name, _ in request.query_params.multi_items()]
        faults = [
            FieldFault(field=f"query.{name[:60]}", reason=f"is not known here; leave it out{_or_use(known)}")
            for name in dict.fromkeys(given)
            if name not in known
        ]
        faults += [
            FieldFault(field=f"query.{name}", reason="is given more than once; give it once")
            for name in known
            if given.count(name) > 1
        ]
        if faults:
            raise Refused(422, "invalid-input", detail(faults), errors=faults)


def routes_of(subject: str | None, *, prefix: str = "") -> APIRouter:
    """A router for the routes of one subject of the schema; None for what is not in the schema."""
    return APIRouter(
        prefix=prefix,
        route_class=Guarded,
        tags=None if subject is None else [subject],
        include_in_schema=subject is not None,
        generate_unique_id_function=lambda route: route.name,
    )


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0").strip("0") != ""


def _or_use(known: Iterable[str]) -> str:
    names = ", ".join(known)
    return f", or use one of {names}" if names else ""


def _query_names(dependant: Dependant) -> list[str]:
    below = [name for dependency in dependant.dependencies for name in _query_names(dependency)]
    return [*(field.alias for field in dependant.query_params), *below]


async def _control(request: Request) -> Control:
    back: Back = request.app.state.back
    return back.control(request)


Asked = Annotated[Control, Depends(_control)]
"""What a route asks: the root, in the name of who asks."""


def header(description: str, example: str) -> Mapping[str, Any]:
    """A header of an answer, for the schema."""
    return {"description": description, "required": True, "schema": {"type": "string"}, "example": example}
