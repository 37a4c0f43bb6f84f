"""The listening servers: grpc.aio and uvicorn on one event loop, and how both stop."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
import grpc.aio
import uvicorn

from tfx_rollout.model_server.flags import Flags
from tfx_rollout.model_server.rest_face import RestFace
from tfx_rollout.model_server.status import Code, ServingError

BIND_VARIABLE = "TFX_ROLLOUT_BIND_ADDRESS"
"""Environment variable: the one IPv4 address that both TCP ports listen on. TensorFlow Serving has no flag
for it and listens on all of them, as this server does where the variable is not set."""

_log = logging.getLogger(__name__)
_MAX_MESSAGE = 2**31 - 1
_KEEP_ALIVE_S = 24 * 3600  # who closes idle connections is the client's business; a proxy's reuse must not race with us


async def start_grpc(flags: Flags, handlers: Sequence[grpc.GenericRpcHandler]) -> grpc.aio.Server:
    """The gRPC server, listening on the TCP port and the UNIX socket that the flags name."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
            # Two servers on one port would share the requests silently.
            ("grpc.so_reuseport", 0),
            *_channel_arguments(flags.grpc_channel_arguments),
        ]
    )
    server.add_generic_rpc_handlers(tuple(handlers))
    try:
        address = os.environ.get(BIND_VARIABLE) or "0.0.0.0"
        if flags.port:
            server.add_insecure_port(f"{address}:{flags.port}")
        if flags.grpc_socket_path:
            server.add_insecure_port(f"unix:{flags.grpc_socket_path}")
        await server.start()
    except RuntimeError as error:
        _log.error("%s", error)
        raise ServingError(Code.INVALID_ARGUMENT, "Failed to BuildAndStart gRPC server") from None
    if flags.port:
        _log.info("Running gRPC ModelServer at %s:%d ...", address, flags.port)
    if flags.grpc_socket_path:
        _log.info("Running gRPC ModelServer at UNIX socket %s ...", flags.grpc_socket_path)
    return server


def _channel_arguments(text: str) -> list[tuple[str, int | str]]:
    """`k=v,k=v`: a number where it reads as one."""
    arguments: list[tuple[str, int | str]] = []
    for pair in filter(None, text.split(",")):
        key, _, value = pair.partition("=")
        arguments.append((key, int(value) if value.lstrip("+-").isdigit() else value))
    return arguments


class RestListener(uvicorn.Server):
    """uvicorn without signal handlers of its own, listening before it serves."""

    def __init__(self, face: RestFace, sock: socket.socket, grace_s: float) -> None:
        super().__init__(
            uvicorn.Config(
                face,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=int(grace_s),
            )
        )
        self._sock = sock
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the server's business, not uvicorn's."""
        yield

    async def start(self) -> None:
        """Begins to serve; returns when requests are accepted."""
        self._task = asyncio.create_task(self.serve(sockets=[self._sock]))
        while not self.started and not self._task.done():
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Refuses new requests, finishes the running ones (within the grace) and closes."""
        self.should_exit = True
        if self._task is not None:
            await self._task


def rest_socket(port: int) -> socket.socket:
    """A socket bound to the REST port on the address of `BIND_VARIABLE`, else on all, IPv6 and IPv4.

    OSError when it cannot be had.
    """
    sock = _bound_socket(port)
    # Connections inherit it. asyncio sets it itself only on sockets made with IPPROTO_TCP; without it the
    # body of an answer waits some 40 ms for the acknowledgement of its head.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _bound_socket(port: int) -> socket.socket:
    address = os.environ.get(BIND_VARIABLE)
    if address:
        return socket.create_server((address, port), backlog=2048)
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=2048)
        except OSError as error:
            _log.debug("No dual-stack socket (%s); trying IPv4 alone.", error)
    return socket.create_server(("0.0.0.0", port), backlog=2048)
