"""The steps that bring what is in force nearer to what is desired, each safe by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tfx_rollout.traffic.observed import Route
from tfx_rollout.traffic.placement import ServerSpec
from tfx_rollout.traffic.split import Split
from tfx_rollout.traffic.track import Track


@dataclass(frozen=True)
class StartServer:
    """Start a server that is not there, configured with `spec` from its first moment."""

    server: str
    spec: ServerSpec


@dataclass(frozen=True)
class Configure:
    """Replace the configuration of a running server."""

    server: str
    spec: ServerSpec


@dataclass(frozen=True)
class SetTraffic:
    """Let the gateway send this split over these routes, and confirm it."""

    split: Split
    routes: Mapping[Track, Route]


@dataclass(frozen=True)
class StopServer:
    """Stop a server that holds nothing and that no route leads to."""

    server: str


@dataclass(frozen=True)
class Await:
    """Nothing to do but to look again; `what` says for what, in words."""

    what: str


@dataclass(frozen=True)
class Stuck:
    """The desired state cannot be reached; all that serves goes on as it is."""

    reason: str


@dataclass(frozen=True)
class Settled:
    """What is in force is what is desired."""


Step = StartServer | Configure | SetTraffic | StopServer | Await | Stuck | Settled
