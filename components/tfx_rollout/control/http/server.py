"""The process: an HTTP server on a socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from tfx_rollout.control.http.app import create_app
from tfx_rollout.control.http.back import Back
from tfx_rollout.control.http.connection import HEAD_S, PatientProtocol
from tfx_rollout.control.http.connection_count import SPARE, ConnectionCount
from tfx_rollout.control.http.server_log import Seldom
from tfx_rollout.control.http.settings import ApiOptions

IDLE_S = 75
"""So long a connection is kept between two requests."""
GRACE_S = 3
"""What running requests get at the stop."""
OTHER_FILES = 512
"""Descriptors for what is not a connection: files that are read, and connections that have not come to terms about TLS."""


class ApiServer(uvicorn.Server):
    """The API on a socket that listens already. SIGTERM and SIGINT stop it; whoever watches is let go at once."""

    def __init__(self, options: ApiOptions, listener: socket.socket) -> None:
        app = create_app(options)
        self._back: Back = app.state.back
        self._listener = listener
        self._count = ConnectionCount(options.limits.connections, options.limits.connections_each)
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
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
                ssl_certfile=options.tls_cert,
                ssl_keyfile=options.tls_key,
            )
        )

    def serve_until_stopped(self) -> None:
        """Runs until SIGTERM or SIGINT."""
        logging.getLogger("uvicorn.error").addFilter(Seldom())
        _allow_files(self._back.limits.connections + SPARE + OTHER_FILES)
        self.run(sockets=[])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`, which would wait a minute for who does not come to terms about TLS."""
        await super().startup(sockets=[])
        tls = self.config.ssl
        server = await asyncio.get_running_loop().create_server(
            lambda: PatientProtocol(self.config, self.server_state, self.lifespan.state, self._count),
            sock=self._listener,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else HEAD_S,
            backlog=self.config.backlog,
        )
        self.servers.append(server)

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


def _allow_files(wanted: int) -> None:
    """Lets the process have so many files and connections open, as far as the system's administrator does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
