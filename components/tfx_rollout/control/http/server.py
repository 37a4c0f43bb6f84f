"""The process: an HTTP server on a socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tfx_rollout.control.http.app import create_app
from tfx_rollout.control.http.back import Back
from tfx_rollout.control.http.settings import ApiOptions

HEAD_S = 10.0
"""In this time the head of a request must have come, in seconds; a body has its own (`Limits.body_seconds`)."""
IDLE_S = 75
"""So long a connection is kept between two requests."""
HEAD_BYTES = 32 * 1024
GRACE_S = 3
"""What running requests get at the stop."""


class ApiServer(uvicorn.Server):
    """The API on a socket that listens already. SIGTERM and SIGINT stop it; whoever watches is let go at once."""

    def __init__(self, options: ApiOptions, listener: socket.socket) -> None:
        app = create_app(options)
        self._back: Back = app.state.back
        self._listener = listener
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                # An address that a client claims for itself counts for nothing here.
                proxy_headers=False,
                timeout_keep_alive=IDLE_S,
                timeout_graceful_shutdown=GRACE_S,
                limit_concurrency=options.limits.connections,
                h11_max_incomplete_event_size=HEAD_BYTES,
                ssl_certfile=options.tls_cert,
                ssl_keyfile=options.tls_key,
            )
        )

    def serve_until_stopped(self) -> None:
        """Runs until SIGTERM or SIGINT."""
        logging.getLogger("uvicorn.error").addFilter(_is_news)
        self.run(sockets=[self._listener])

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stops at a signal without dying of it, so that the exit code says how it went."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Asks it to end. To be called on its event loop."""
        self._back.watch.close()
        self.should_exit = True


class PatientProtocol(H11Protocol):
    """uvicorn's protocol that lets go of who does not send the head of a request in time."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._head_timer = self.loop.call_later(HEAD_S, self._give_up)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        super().data_received(data)
        in_a_head = self.conn.their_state is h11.IDLE and not self.transport.is_closing()
        if not in_a_head:
            self._unset_head_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._unset_head_timer()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _unset_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _is_news(record: Any) -> bool:
    """A stream that breaks off on purpose is nothing to report (see `watching.stream`)."""
    return "without completing response" not in record.getMessage()
