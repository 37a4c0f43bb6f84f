"""The outer door: who may come in at all, and what is said when something breaks inside."""

from __future__ import annotations

import logging

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tfx_rollout.control.http import problems
from tfx_rollout.control.http.doors import Doors
from tfx_rollout.control.http.problems import Refused

log = logging.getLogger("tfx_rollout.control")


class Doorkeeper:
    """Middleware that turns requests away by `doors`, and an unforeseen error into a problem without its innards."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app, self._doors = app, doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `ASGIApp`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            self._doors.check(scope["method"], scope["scheme"], Headers(scope=scope))
            await self._app(scope, receive, send_and_note)
        except Refused as refusal:
            await problems.answer(refusal.problem, refusal.headers)(scope, receive, send)
        except Exception:
            # Quoted: a path may have line ends and what moves a terminal.
            log.exception("%s %r failed", scope["method"], scope["path"])
            if begun:
                raise
            await problems.answer(problems.UNFORESEEN)(scope, receive, send)
