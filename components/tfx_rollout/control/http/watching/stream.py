"""The answer that goes on: a feed, at the pace of the one who reads it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial

import anyio
from fastapi import Response
from fastapi.sse import KEEPALIVE_COMMENT
from starlette.types import Receive, Scope, Send

from tfx_rollout.control.http.watching.watch import Place

KEEP_ALIVE_S = 15.0
"""Seconds without a message, after which a comment says that the connection lives."""
SEND_S = 30.0
"""One who takes nothing off the connection for so long, in seconds, is let go."""


class EventStream(Response):
    """A feed as `text/event-stream`, from `begin` on (None: what a new watcher must know).

    It is ended properly when the feed is over. In every other case (the process ends, the caller's
    token was revoked, the time is up, nothing is read) the answer breaks off, which is how a client
    knows that there is more, and comes again. `welcome` says whether the caller may still watch.
    """

    media_type = "text/event-stream"

    def __init__(self, place: Place, begin: int | None, *, seconds: float, welcome: Callable[[], Awaitable[bool]]) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._place, self._begin = place, begin
        self._seconds, self._welcome = seconds, welcome

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `ASGIApp`."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(partial(_until_gone, receive, tasks.cancel_scope))
                await self._tell(send)
                tasks.cancel_scope.cancel()
        finally:
            self._place.leave()

    async def _tell(self, send: Send) -> None:
        feed, place = self._place.feed, self._begin
        until = time.monotonic() + self._seconds
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        while True:
            content = b"".join(message.content for message in feed.after(place))
            place, over = feed.end, feed.over
            if not await _sent(send, content or KEEPALIVE_COMMENT, more=not over) or over:
                return
            if time.monotonic() >= until or self._place.closing or not await self._welcome():
                return
            await feed.news(place, min(KEEP_ALIVE_S, until - time.monotonic()))


async def _sent(send: Send, content: bytes, *, more: bool) -> bool:
    """Whether it could be sent in time."""
    with anyio.move_on_after(SEND_S):
        await send({"type": "http.response.body", "body": content, "more_body": more})
        return True
    return False


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
    scope.cancel()
