"""TCP ports: one that is free, and whether one that was asked for is."""

from __future__ import annotations

import errno
import socket
import time

from tfx_rollout.errors import InvalidInput, PortInUse

BACKLOG = 512
"""Connections that may wait to be taken."""
_GIVEN_FOR_S = 120.0
_given: dict[int, float] = {}
"""Ports given lately and when: whoever got one may not listen on it yet."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing uses now, and that was not given before in the last minutes.

    Another process may still take it first: be ready to try again.
    """
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
            port = int(probe.getsockname()[1])
        now = time.monotonic()
        if now - _given.get(port, -_GIVEN_FOR_S) >= _GIVEN_FOR_S:
            _given[port] = now
            return port


def accepts(host: str, port: int, *, timeout_s: float = 1.0) -> bool:
    """Whether anybody takes connections at this address."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False


def ensure_free(host: str, port: int, purpose: str) -> None:
    """Raises `PortInUse` when a server could not listen on this address; `purpose` says what it is for.

    Raises `InvalidInput` when the host is no address of this machine.
    """
    listening(host, port, purpose).close()


def listening(host: str, port: int, purpose: str) -> socket.socket:
    """A TCP socket that listens on this address. Raises as `ensure_free` does. Port 0 means a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Connections inherit TCP_NODELAY. asyncio sets it itself only on sockets made with IPPROTO_TCP; without it the
    # body of an answer waits some 40 ms for the acknowledgement of its head.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # As servers do: connections of a former server in TIME_WAIT are no obstacle.
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        found.bind((host, port))
        found.listen(BACKLOG)
    except BaseException as error:
        found.close()
        raise _refusal(error, host, port, purpose) from error
    return found


def _refusal(error: BaseException, host: str, port: int, purpose: str) -> BaseException:
    if isinstance(error, PermissionError):
        return InvalidInput(f"Port {port} on {host} ({purpose}) may not be opened by this user; choose one above 1023.")
    if isinstance(error, OverflowError):
        return InvalidInput(f"{port} ({purpose}) is no port number; choose one from 1 to 65535.")
    if isinstance(error, socket.gaierror) or (isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL):
        return InvalidInput(f"{host} ({purpose}) is no address of this machine; choose 127.0.0.1 or 0.0.0.0.")
    return PortInUse(host, port, purpose) if isinstance(error, OSError) else error
