"""What the gateway is to do: upstreams, tracks and shares per model. Frozen, checked at construction."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfx_rollout.errors import InvalidInput
from tfx_rollout.traffic import FULL, WEIGHTED, Split, Sticky, Track

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# RFC 9110, field-name; lower case because HTTP/2 has no other.
_HEADER = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,128}")


@dataclass(frozen=True)
class Upstream:
    """A model server's two ports, and the label that calls without a choice of their own get there.

    `host` is an IP address. `label` None leaves requests as they are. `version` is the one
    that the label names there while that is certain: answers that do not say their version
    are said to be from it, and calls that name it by number come here where no other server has it.
    """

    host: str
    grpc_port: int
    rest_port: int
    label: str | None = None
    version: int | None = None

    def __post_init__(self) -> None:
        try:
            ipaddress.ip_address(self.host)
        except ValueError as error:
            raise InvalidInput(f"The upstream host {self.host!r} is no IP address; give 127.0.0.1 instead of a name.") from error
        for port in (self.grpc_port, self.rest_port):
            if not 0 < port < 65536:
                raise InvalidInput(f"The upstream port {port} is no port number; choose one from 1 to 65535.")
        if self.label is not None:
            _checked_name("label", self.label)

    def same_server(self, other: Upstream) -> bool:
        """Whether both are the same process, whatever their labels."""
        return (self.host, self.grpc_port, self.rest_port) == (other.host, other.grpc_port, other.rest_port)


@dataclass(frozen=True)
class ModelRoutes:
    """One model's tracks and their shares.

    `tracks` has `stable`, and `canary`, variants and `shadow` where they exist; a track of
    weight 0 can still be forced by a request header. `pinned` is the server for calls that name
    a version, and for status; by default the stable one. `mirror` is the share of drawn
    calls that are copied to `shadow`, in units of 0.01 %.
    """

    model: str
    tracks: Mapping[Track, Upstream]
    split: Split = Split()
    mirror: int = 0
    sticky: Sticky | None = None
    pinned: Upstream | None = None

    def __post_init__(self) -> None:
        _checked_name("model name", self.model)
        object.__setattr__(self, "tracks", {Track(track): upstream for track, upstream in self.tracks.items()})
        if Track.STABLE not in self.tracks:
            raise InvalidInput(f"The routes of model {self.model!r} have no stable track; there is nothing to serve.")
        if Track.PINNED in self.tracks:
            raise InvalidInput(f"The routes of model {self.model!r} list `pinned` as a track; give the server as `pinned=`.")
        for track in WEIGHTED:
            share = self.split.share(track)
            if share and track not in self.tracks:
                raise InvalidInput(f"Model {self.model!r} is to send {share * 100:g} % to a {track} track that it lacks.")
        if not 0 <= self.mirror <= FULL:
            raise InvalidInput(f"A mirrored share of {self.mirror!r} units is not an integer from 0 to {FULL} (units of 0.01 %).")
        if self.mirror and Track.SHADOW not in self.tracks:
            raise InvalidInput(f"Model {self.model!r} is to mirror {self.mirror / 100:g} % to a shadow track that it lacks.")
        if self.sticky is not None:
            if not _HEADER.fullmatch(self.sticky.header):
                raise InvalidInput(f"The sticky header {self.sticky.header!r} is no name of a header in lower case.")
            # The salt becomes part of a regex substitution, where a backslash has a meaning.
            _checked_name("salt", self.sticky.salt)

    @property
    def weighted(self) -> tuple[Track, ...]:
        """The tracks that calls are drawn for, and that a request header can force."""
        return tuple(track for track in WEIGHTED if track in self.tracks)

    @property
    def primary(self) -> Upstream:
        """The server that answers pinned calls and questions about status, its label never written."""
        chosen = self.pinned or self.tracks[Track.STABLE]
        return Upstream(chosen.host, chosen.grpc_port, chosen.rest_port)


@dataclass(frozen=True)
class GatewayConfig:
    """Everything that changes while the gateway runs."""

    models: tuple[ModelRoutes, ...] = ()

    def __post_init__(self) -> None:
        names = [routes.model for routes in self.models]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InvalidInput(f"The gateway is given the routes of {', '.join(twice)} more than once.")


REQUEST_TIMEOUT_S = 60.0
MAX_REQUEST_BYTES = 64 * 2**20
"""How long a request may take, and how large its body may be, where nobody says otherwise."""
LONGEST_TIMEOUT_S = 3600.0
"""As long as the model servers wait themselves (`serving.launch`)."""


@dataclass(frozen=True)
class GatewaySettings:
    """What is fixed from a gateway's start to its end.

    `access_log` is the *folder* of the access logs, one file a start of Envoy.
    `drain_s` is for how long at most a stop asks clients to leave (Envoy's drain time); no new ones are taken meanwhile.
    """

    port: int
    admin_port: int
    access_log: Path
    host: str = "127.0.0.1"
    request_timeout_s: float = REQUEST_TIMEOUT_S
    drain_s: float = 10.0
    max_request_bytes: int = MAX_REQUEST_BYTES
    concurrency: int = 1
    """Worker threads. The evidence's horizon is exact for one (`evidence.access_log`)."""

    def __post_init__(self) -> None:
        try:
            ipaddress.ip_address(self.host)
        except ValueError as error:
            raise InvalidInput(f"The gateway's host {self.host!r} is no IP address; choose 127.0.0.1 or 0.0.0.0.") from error
        if self.port == self.admin_port:
            raise InvalidInput(f"The gateway's port and its admin port are both {self.port}; choose two.")
        if not 0.001 <= self.request_timeout_s <= LONGEST_TIMEOUT_S:
            raise InvalidInput(
                f"A request timeout of {self.request_timeout_s:g} s is not between 0.001 s and {LONGEST_TIMEOUT_S:g} s."
            )
        if not 0 <= self.drain_s <= 86_400:
            raise InvalidInput("The gateway's drain time must not be negative, and no longer than a day.")
        if not 1024 <= self.max_request_bytes < 2**31:
            raise InvalidInput("The gateway's body limit must lie between 1 KiB and 2 GiB (HTTP/2 has no larger window).")
        if not 1 <= self.concurrency <= 1024:
            raise InvalidInput(f"The gateway cannot run {self.concurrency} worker threads; choose 1, or one per free core.")


def _checked_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"The {what} {name!r} is not 1 to 64 letters, digits, dots, dashes or underscores.")
