"""What the process of the API is told: where it listens, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """How much one caller, and all of them, may ask for."""

    body_bytes: int = MIB
    feedback_bytes: int = 16 * MIB
    body_seconds: float = 30.0
    """In this time a body must have come."""
    requests_per_second: float = 50.0
    """Of one token, or of one address where there is none; on the average."""
    burst: int = 200
    """So many may come at once."""
    failed_per_minute: float = 10.0
    """Requests with a wrong token, from one address."""
    watchers: int = 256
    """Streams of server-sent events in all."""
    watchers_each: int = 64
    """… and of one caller."""
    watch_seconds: float = 3600.0
    """So long a stream lasts; whoever watches comes again."""
    connections: int = 1024
    """Open at once."""
    connections_each: int = 256
    """… and from one address (of IPv6 from one /64) of another machine."""


@dataclass(frozen=True)
class ApiOptions:
    """Where the API listens, and for whom."""

    root: Path
    local: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8600
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure: bool = False
    """Whether another address than loopback may be listened on without TLS."""
    names: tuple[str, ...] = ()
    """Further names of this server, for the Host header."""
    limits: Limits = field(default_factory=Limits)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    @property
    def tls(self) -> bool:
        """Whether it speaks TLS."""
        return self.tls_cert is not None


def is_loopback(host: str) -> bool:
    """Whether this address is one of the machine's own loopback."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
