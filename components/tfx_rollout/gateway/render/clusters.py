"""Clusters: one per model, track and protocol, each writing its track's label on the way to the server.

Copies for a shadow track take a way of two clusters, since Envoy logs nothing of the
requests that it mirrors: `MODEL~mirror` leads to a listener inside of this very Envoy,
which logs them and sends them on to `MODEL~shadow~PROTOCOL`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tfx_rollout.gateway.config import GatewayConfig, Upstream
from tfx_rollout.gateway.naming import PROTOCOLS, SHADOW_LISTENER, Protocol, cluster_name, mirror_cluster
from tfx_rollout.gateway.render.discovery import Discovery, digest, discovery, seconds
from tfx_rollout.gateway.render.lua import label_filter
from tfx_rollout.gateway.render.version import version_filter
from tfx_rollout.traffic import Track

REST_IDLE_S = 2.0
"""Idle connections to REST ports are closed after this, well below what servers do (uvicorn: 5 s):
a request sent on a connection that the server closes at that moment is lost."""
SHADOW_REQUESTS = 64
"""Copies under way at once, by model: a shadow that hangs must not pile them up. Copies beyond that are not made."""
UNLIMITED = 100_000
BODY_BUFFER_BYTES = 64 * 1024 * 1024
"""Per connection: large enough that a hanging server does not keep a request's body from arriving."""


def clusters_file(resources: Iterable[dict[str, Any]]) -> Discovery:
    """The discovery file with these clusters."""
    ordered = sorted(resources, key=lambda cluster: cluster["name"])
    return discovery(ordered, digest(ordered))


def clusters(config: GatewayConfig) -> list[dict[str, Any]]:
    """The cluster resources that the routes of this configuration need."""
    tracks = [
        _cluster(model, track, protocol, upstream) for model, track, upstream in _destinations(config) for protocol in PROTOCOLS
    ]
    return tracks + [_mirror(routes.model) for routes in config.models if Track.SHADOW in routes.tracks]


def _destinations(config: GatewayConfig) -> Iterator[tuple[str, Track, Upstream]]:
    for routes in config.models:
        for track, upstream in routes.tracks.items():
            yield routes.model, track, upstream
        yield routes.model, Track.PINNED, routes.primary


def _cluster(model: str, track: Track, protocol: Protocol, upstream: Upstream) -> dict[str, Any]:
    port = upstream.grpc_port if protocol == "grpc" else upstream.rest_port
    address = {"socket_address": {"address": upstream.host, "port_value": port}}
    return _one_endpoint(cluster_name(model, track, protocol), address, _protocol_options(protocol, upstream.label))


def _mirror(model: str) -> dict[str, Any]:
    inside = {"envoy_internal_address": {"server_listener_name": SHADOW_LISTENER}}
    # Whatever the copied request's protocol was: a connection less for each copy under way.
    return _one_endpoint(mirror_cluster(model), inside, _protocol_options("grpc", None), limit=SHADOW_REQUESTS)


def _one_endpoint(name: str, address: dict[str, Any], options: dict[str, Any], *, limit: int = UNLIMITED) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": name,
        # Dots separate the parts of a statistic's name.
        "alt_stat_name": name.replace(".", "_"),
        "type": "STATIC",
        "connect_timeout": "1s",
        "per_connection_buffer_limit_bytes": BODY_BUFFER_BYTES,
        "circuit_breakers": {
            "thresholds": [
                {"max_connections": UNLIMITED, "max_pending_requests": UNLIMITED, "max_requests": limit, "max_retries": UNLIMITED}
            ]
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
    }


def _protocol_options(protocol: Protocol, label: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}} if protocol == "grpc" else {"http_protocol_options": {}},
    }
    if protocol == "rest":
        options["common_http_protocol_options"] = {"idle_timeout": seconds(REST_IDLE_S)}
    codec = "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"
    options["http_filters"] = [
        *([] if label is None else [label_filter(protocol, label)]),
        version_filter(),
        {"name": "envoy.filters.http.upstream_codec", "typed_config": {"@type": codec}},
    ]
    return options
