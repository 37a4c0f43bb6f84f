"""One connection: who is slow, says nothing, takes nothing, or speaks no HTTP is let go. The sentences are for everybody else."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from tfx_rollout.control.http import problems
from tfx_rollout.control.http.connection_count import ConnectionCount, Crowding
from tfx_rollout.control.http.problems import Refused

HEAD_S = 10.0
"""In this time the head of a request must have come, in seconds, and what is left of a body that nobody reads any more.

A body that is read has its own time (`Limits.body_seconds`).
"""
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


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with an end to its patience. `count` is of all connections of the server."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], count: ConnectionCount) -> None:
        super().__init__(config, server_state, app_state)
        self._count, self._address = count, ""
        self.app = self._app_or_full
        self._timer: asyncio.TimerHandle | None = None

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
        super().data_received(data)
        self._look_after(waiting=self.conn.their_state is h11.IDLE or self._unread)

    def on_response_complete(self) -> None:
        """See `H11Protocol`."""
        super().on_response_complete()
        if self._unread:
            self._look_after(waiting=True)

    def send_400_response(self, msg: str) -> None:
        """Tells who speaks no HTTP, unless they are being told something else already; then they are let go."""
        told = problems.answer(NO_HTTP, {"Connection": "close"})
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            events = (
                h11.Response(status_code=400, headers=told.raw_headers),
                h11.Data(data=bytes(told.body)),
                h11.EndOfMessage(),
            )
            self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._look_after(waiting=False)
        self._count.remove(self._address)
        super().connection_lost(exc)

    @property
    def _unread(self) -> bool:
        """Whether a request was answered, but has not been sent to its end."""
        return self.conn.their_state is h11.SEND_BODY and self.cycle is not None and self.cycle.response_complete

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
