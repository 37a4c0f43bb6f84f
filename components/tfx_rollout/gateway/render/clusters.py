"""Clusters: one per model, track and protocol, each writing its track's label on the way to the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tfx_rollout.gateway.config import GatewayConfig, Upstream
from tfx_rollout.gateway.naming import PROTOCOLS, Protocol, cluster_name
from tfx_rollout.gateway.render.discovery import Discovery, digest, discovery, seconds
from tfx_rollout.gateway.render.lua import label_filter, shadow_answer_filter
from tfx_rollout.traffic import Track

REST_IDLE_S = 2.0
"""Idle connections to REST ports are closed after this, well below what servers do (uvicorn: 5 s):
a request sent on a connection that the server closes at that moment is lost."""
SHADOW_REQUESTS = 64
"""Copies under way at once: a shadow that hangs must not pile them up."""
UNLIMITED = 100_000
BODY_BUFFER_BYTES = 64 * 1024 * 1024
"""Per connection: large enough that a hanging server does not keep a request's body from arriving."""


def clusters_file(resources: Iterable[dict[str, Any]]) -> Discovery:
    """The discovery file with these clusters."""
    ordered = sorted(resources, key=lambda cluster: cluster["name"])
    return discovery(ordered, digest(ordered))


def clusters(config: GatewayConfig) -> list[dict[str, Any]]:
    """The cluster resources that the routes of this configuration need."""
    return [
        _cluster(model, track, protocol, upstream) for model, track, upstream in _destinations(config) for protocol in PROTOCOLS
    ]


def _destinations(config: GatewayConfig) -> Iterator[tuple[str, Track, Upstream]]:
    for routes in config.models:
        for track, upstream in routes.tracks.items():
            yield routes.model, track, upstream
        yield routes.model, Track.PINNED, routes.primary


def _cluster(model: str, track: Track, protocol: Protocol, upstream: Upstream) -> dict[str, Any]:
    name = cluster_name(model, track, protocol)
    port = upstream.grpc_port if protocol == "grpc" else upstream.rest_port
    limit = SHADOW_REQUESTS if track is Track.SHADOW else UNLIMITED
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
            "endpoints": [
                {
                    "lb_endpoints": [
                        {"endpoint": {"address": {"socket_address": {"address": upstream.host, "port_value": port}}}},
                    ]
                }
            ],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _protocol_options(track, protocol, upstream.label)
        },
    }


def _protocol_options(track: Track, protocol: Protocol, label: str | None) -> dict[str, Any]:
    filters = []
    if label is not None:
        filters.append(label_filter(protocol, label))
    if track is Track.SHADOW and protocol == "grpc":
        filters.append(shadow_answer_filter())
    if filters:
        codec = "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"
        filters.append({"name": "envoy.filters.http.upstream_codec", "typed_config": {"@type": codec}})
    options: dict[str, Any] = {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}} if protocol == "grpc" else {"http_protocol_options": {}},
    }
    if protocol == "rest":
        options["common_http_protocol_options"] = {"idle_timeout": seconds(REST_IDLE_S)}
    if filters:
        options["http_filters"] = filters
    return options
