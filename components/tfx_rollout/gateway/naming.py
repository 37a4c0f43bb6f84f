"""The names that tie rendering, statistics and access log together. Pure.

A cluster is `MODEL~TRACK~PROTOCOL`; a route is `KIND/MODEL/…`. `~` and `/` cannot occur
in a model's name, so both can be taken apart again.
"""

from __future__ import annotations

from typing import Literal

from tfx_rollout.traffic import Track

Protocol = Literal["grpc", "rest"]
PROTOCOLS: tuple[Protocol, ...] = ("grpc", "rest")

TRACK_HEADER = "x-model-track"
"""In a request: forces a track. In an answer: the track that answered."""
VERSION_HEADER = "x-model-version"
"""In an answer: the version that computed it. In a request it means nothing."""
MODEL_HEADER = "x-tfs-model"
"""Set by the gateway itself from a gRPC message: the model it names."""
PIN_HEADER = "x-tfs-pinned"
"""Set by the gateway itself from a gRPC message: `label:L` or `version` when the client chose."""

ROUTES_HEADER = "x-gateway-routes"
"""In the heartbeat's answer: the version of the routes that the answering worker uses."""

HEARTBEAT_PATH = "/gateway/heartbeat"
"""Answered by the gateway alone, also for a load balancer in front of it."""
HEARTBEAT_CLUSTER = "heartbeat"
ROUTE_TABLE = "gateway"
STAT_PREFIX = "gw"

REQUEST_ID_HEADER = "x-request-id"
"""In a request: the client's own id, kept where it is 1 to 128 of `[A-Za-z0-9._-]`. In every answer: the id."""
SHADOW_ROUTE = "shadow"
"""The route of every mirrored copy on its way to a shadow track; its cluster tells model and protocol."""
SHADOW_HEADER = "x-gateway-shadow"
"""Set by the gateway itself in a mirrored copy: the cluster that it is for."""
SHADOW_LISTENER = "shadow"

_DRAW = "draw"


def cluster_name(model: str, track: Track, protocol: Protocol) -> str:
    """The cluster of one track of one model for one protocol."""
    return f"{model}~{track}~{protocol}"


def mirror_cluster(model: str) -> str:
    """The cluster that takes mirrored copies of one model to the gateway's own listener for them; no track's."""
    return f"{model}~mirror"


def cluster_track(name: str) -> tuple[str, Track] | None:
    """Model and track of a cluster's name; None for a cluster that is no track's."""
    parts = name.split("~")
    if len(parts) != 3:
        return None
    try:
        return parts[0], Track(parts[1])
    except ValueError:
        return None


def route_name(kind: str, model: str, *more: str) -> str:
    """The name of a route of one model."""
    return "/".join((kind, model, *more))


def draw_route(model: str, protocol: Protocol) -> str:
    """The name of the route that draws a track by weight for an inference call."""
    return route_name(_DRAW, model, protocol)


def is_draw(route: str) -> bool:
    """Whether a route's name is that of a draw: only what it sent to a track is evidence."""
    return route.startswith(_DRAW + "/")


def is_shadow(route: str) -> bool:
    """Whether a route's name is that of mirrored copies: each has the request id of its original."""
    return route == SHADOW_ROUTE
