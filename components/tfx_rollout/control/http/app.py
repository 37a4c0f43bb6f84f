"""The application: routes, what stands before them, and how each failure is told."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tfx_rollout.control.http import problems
from tfx_rollout.control.http.back import Back
from tfx_rollout.control.http.current import ConflictNow
from tfx_rollout.control.http.doorkeeper import Doorkeeper
from tfx_rollout.control.http.headers import SafeHeaders
from tfx_rollout.control.http.openapi import DESCRIPTION, TAGS, TITLE, VERSION, complete
from tfx_rollout.control.http.problems import Refused
from tfx_rollout.control.http.routes import ROUTERS
from tfx_rollout.control.http.sentences import detail, faults
from tfx_rollout.control.http.settings import ApiOptions
from tfx_rollout.errors import RolloutError
from tfx_rollout.metrics import following

log = logging.getLogger("tfx_rollout.control")


def create_app(options: ApiOptions) -> FastAPI:
    """The API of the root that the options name. Making it reads none of its files; while it runs it counts the traffic."""
    back = Back(options)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with following(back.traffic):
            yield
        back.watch.close()

    app = FastAPI(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        # What fails, and with which words, is for our own log: nothing goes elsewhere because of a variable that is set.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.back = back
    # Not by `include_router`, which looks at every route of every router in turn, at several times the price.
    app.router.routes.extend(route for router in ROUTERS for route in router.routes)
    _answer_failures(app)
    complete(app)
    # The one that is added last comes first.
    app.add_middleware(Doorkeeper, doors=back.doors)
    app.add_middleware(SafeHeaders)
    return app


def _answer_failures(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    async def refused(_: Request, refusal: Refused) -> Response:
        return problems.answer(refusal.problem, refusal.headers)

    @app.exception_handler(ConflictNow)
    async def conflict(_: Request, found: ConflictNow) -> Response:
        return problems.answer(problems.of_error(found.conflict, found.current))

    @app.exception_handler(RolloutError)
    async def error_of_the_tree(request: Request, error: RolloutError) -> Response:
        found = problems.of_error(error)
        if found is problems.UNFORESEEN:
            log.error("%s %r: %s", request.method, request.url.path, error, exc_info=error)
        return problems.answer(found)

    @app.exception_handler(RequestValidationError)
    async def wrong_input(request: Request, error: RequestValidationError) -> Response:
        found = faults(error.errors())
        back: Back = request.app.state.back
        await back.record_refusal(request, 422, detail(found))
        return problems.answer(problems.problem(422, "invalid-input", detail(found), errors=found))

    @app.exception_handler(HTTPException)
    async def by_the_framework(request: Request, error: HTTPException) -> Response:
        allowed = (error.headers or {}).get("Allow")
        found = problems.of_status(error.status_code, request.url.path, request.method, allowed)
        return problems.answer(found, error.headers)
