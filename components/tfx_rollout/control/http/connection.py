"""One connection: who is slow, says nothing, takes nothing, or speaks no HTTP is let go. The sentences are for everybody else."""

from __future__ import annotations

import asyncio
import socket
from enum import Enum, auto
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from tfx_rollout.control.http import problems
from tfx_rollout.control.http.connection_count import ConnectionCount, Crowding
from tfx_rollout.control.http.problems import Refused

HEAD_S = 10.0
"""In this time the head of a request must have come, in seconds, and what is left of a body that nobody reads any more.

A body that is read has its own time (`Limits.body_seconds`).
"""
HEAD_BYTES = 32 * 1024
"""A head is no longer than this."""
TAKE_S = 30.0
"""One who takes nothing off the connection, though there is something, is let go after so long, in seconds."""

NO_HTTP = problems.problem(400, "bad-request", "The request cannot be read; send valid HTTP with a body in UTF-8 JSON.")
_LEAVE = {"Connection": "close", "Retry-After": "5"}
FULL = {
    Crowding.IN_ALL: Refused(
        503, "too-many-connections", "There are too many connections; come again in a while.", headers=_LEAVE
    ),
    Crowding.OF_CLIENT: Refused(
        429, "too-many-connections", "There are too many connections from this address; end some of them first.", headers=_LEAVE
    ),
}


class _Part(Enum):
    """What of a request is to come next."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an end to its patience. `count` is of all connections of the server."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], count: ConnectionCount) -> None:
        super().__init__(config, server_state, app_state)
        self._count, self._address = count, ""
        self.app = self._app_or_full
        self._timer: asyncio.TimerHandle | None = None
        self._awaited = _Part.NOTHING
        self._begun_now = False
        """Whether the head that is awaited began with what came last."""
        self._head_bytes = 0
        """How much came since of a head that is not whole."""

    async def _app_or_full(self, scope: Scope, receive: Receive, send: Send) -> None:
        full = FULL.get(self._count.crowding(self._address))
        if full is not None:
            await problems.answer(full.problem, full.headers)(scope, receive, send)
        else:
            await self.config.loaded_app(scope, receive, send)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._address = self.client[0] if self.client else ""
        if not self._count.add(self._address):
            self.transport.abort()
            return
        self._timer = self.loop.call_later(HEAD_S, self._give_up)
        connected = transport.get_extra_info("socket")
        if connected is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            # By the system, which knows what was taken; also where the connection is closed already, but for what was not.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(TAKE_S * 1000))

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._awaited is _Part.NOTHING:
            self._awaited = _Part.HEAD
        self._begun_now = False
        super().data_received(data)
        if self._awaited is _Part.HEAD and not self._begun_now and not self.transport.is_closing():
            # A whole head is measured below. Until then the parser takes whatever comes.
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self.send_400_response("the head is too long")
        self._look_after(waiting=self._is_waited_for)

    def on_message_begin(self) -> None:
        """See `HttpToolsProtocol`."""
        super().on_message_begin()
        self._awaited, self._begun_now, self._head_bytes = _Part.HEAD, True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `HttpToolsProtocol`. What comes behind the body of a request is none of what was looked at before it."""
        if self._awaited is _Part.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """See `HttpToolsProtocol`."""
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            raise ValueError("the head is too long")
        if self.parser.get_http_version() == "1.1" and all(name != b"host" for name, _ in self.headers):
            raise ValueError("there is no Host")
        self._awaited = _Part.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """See `HttpToolsProtocol`."""
        self._awaited = _Part.NOTHING
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """See `HttpToolsProtocol`."""
        super().on_response_complete()
        if self._is_waited_for:
            self._look_after(waiting=True)

    def send_400_response(self, msg: str) -> None:
        """Tells who speaks no HTTP, unless they are being told something else already; then they are let go."""
        told = problems.answer(NO_HTTP, {"Connection": "close"})
        told_already = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not told_already:
            head = [STATUS_LINE[400], *(name + b": " + value + b"\r\n" for name, value in told.raw_headers)]
            self.transport.write(b"".join([*head, b"\r\n", told.body]))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._look_after(waiting=False)
        self._count.remove(self._address)
        super().connection_lost(exc)

    @property
    def _is_waited_for(self) -> bool:
        """Whether it is their turn: to send on a head that they began, or the rest of a request that was answered already."""
        answering = self.cycle is not None and not self.cycle.response_complete
        return self._awaited is not _Part.NOTHING and not answering

    def _look_after(self, *, waiting: bool) -> None:
        """Gives them `HEAD_S` from now on, or from before on, to be done with what is waited for."""
        if not waiting or self.transport.is_closing():
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_S, self._give_up)

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()
