"""TCP ports: one that is free, and whether one that was asked for is."""

from __future__ import annotations

import errno
import socket
import time

from tfx_rollout.errors import InvalidInput, PortInUse

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
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of a former server in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except PermissionError as error:
            raise InvalidInput(
                f"Port {port} on {host} ({purpose}) may not be opened by this user; choose one above 1023."
            ) from error
        except OverflowError as error:
            raise InvalidInput(f"{port} ({purpose}) is no port number; choose one from 1 to 65535.") from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
                raise InvalidInput(f"{host} ({purpose}) is no address of this machine; choose 127.0.0.1 or 0.0.0.0.") from error
            raise PortInUse(host, port, purpose) from error
