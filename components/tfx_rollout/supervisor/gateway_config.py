"""From what each model's traffic should be to one configuration of the gateway. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tfx_rollout.gateway import GatewayConfig, ModelRoutes, Upstream
from tfx_rollout.traffic import Route, Split, Sticky, Track
from tfx_rollout.traffic.placement import primary_server

Addresses = Mapping[str, tuple[str, int, int]]
"""Host, gRPC port and REST port of each model server, by its name."""


@dataclass(frozen=True)
class ModelTraffic:
    """What the gateway should do with one model's requests."""

    split: Split = Split()
    routes: Mapping[Track, Route] = field(default_factory=dict)
    mirror: int = 0
    sticky: Sticky | None = None
    numbers: Mapping[Track, int] = field(default_factory=dict)
    """The version that answers on each track, where that is certain: what answers carry, and how clients can pin a
    canary that is not on the primary server."""


def gateway_config(traffic: Mapping[str, ModelTraffic], addresses: Addresses) -> GatewayConfig:
    """The configuration for all models together.

    A model without a stable track, or whose stable server never had an address, is left
    out: there is nothing to serve. A track whose server has no address is left out with
    its share, since a route to nowhere would fail each of its requests.
    """
    return GatewayConfig(tuple(filter(None, (_model_routes(name, traffic[name], addresses) for name in sorted(traffic)))))


def _model_routes(model: str, traffic: ModelTraffic, addresses: Addresses) -> ModelRoutes | None:
    tracks = {}
    for track, route in traffic.routes.items():
        address = addresses.get(route.server)
        if address is not None:
            tracks[track] = Upstream(*address, label=str(route.label), version=traffic.numbers.get(track))
    if Track.STABLE not in tracks:
        return None
    primary = addresses.get(primary_server(model))
    return ModelRoutes(
        model=model,
        tracks=tracks,
        split=traffic.split.only(set(tracks)),
        mirror=traffic.mirror if Track.SHADOW in tracks else 0,
        sticky=traffic.sticky,
        pinned=None if primary is None else Upstream(*primary),
    )
