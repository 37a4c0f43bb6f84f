"""The bootstrap: what Envoy is started with and keeps to its end."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

from tfx_rollout.gateway.config import GatewaySettings
from tfx_rollout.gateway.log_format import HEARTBEAT_S, LOG_FORMAT, PROGRESS_S
from tfx_rollout.gateway.naming import (
    HEARTBEAT_CLUSTER,
    HEARTBEAT_PATH,
    ROUTE_TABLE,
    SHADOW_HEADER,
    SHADOW_LISTENER,
    SHADOW_ROUTE,
    STAT_PREFIX,
)
from tfx_rollout.gateway.render.discovery import seconds
from tfx_rollout.gateway.render.lua import listener_filter
from tfx_rollout.gateway.render.routes import limits

DOWNSTREAM_CONNECTIONS = 10_000
STREAMS_PER_CONNECTION = 1000

_DEADLINE_EXCEEDED, _RESOURCE_EXHAUSTED = 4, 8

Json = dict[str, Any]


def bootstrap(settings: GatewaySettings, *, clusters_file: Path, routes_file: Path, access_log: Path) -> Json:
    """The bootstrap document; the two files are watched for renames in their (separate) folders."""
    return {
        "node": {"id": "tfx-rollout", "cluster": "tfx-rollout"},
        # Can modify the runtime and stop Envoy: for this machine only.
        "admin": {"address": _address("127.0.0.1", settings.admin_port)},
        "stats_flush_on_admin": True,
        "stats_config": _stats_config(),
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections"
                        ".v3.DownstreamConnectionsConfig",
                        "max_active_downstream_connections": DOWNSTREAM_CONNECTIONS,
                    },
                }
            ]
        },
        "bootstrap_extensions": [
            {
                "name": "envoy.bootstrap.internal_listener",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
                },
            }
        ],
        "dynamic_resources": {"cds_config": _watched(clusters_file)},
        "static_resources": {
            "listeners": [_listener(settings, routes_file, access_log), _shadow_listener(settings, access_log)],
            "clusters": [_heartbeat_cluster(settings)],
        },
    }


def _listener(settings: GatewaySettings, routes_file: Path, access_log: Path) -> Json:
    return {
        "name": "models",
        "address": _address(settings.host, settings.port),
        # Else a second Envoy could listen on the same port, and the kernel would deal requests out to both.
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": settings.max_request_bytes,
        "filter_chains": [_filter_chain(_connections(settings, routes_file, access_log))],
    }


def _shadow_listener(settings: GatewaySettings, access_log: Path) -> Json:
    """Where mirrored copies come by on their way to a shadow, so that the access log has them; nobody else can reach it."""
    route = {
        "name": SHADOW_ROUTE,
        "match": {"prefix": "/"},
        # Under the same conditions as the originals, so that the two can be compared.
        "route": {"cluster_header": SHADOW_HEADER, **limits(settings)},
        "request_headers_to_remove": [SHADOW_HEADER],
    }
    connections = {
        **_common(settings, access_log),
        "stat_prefix": "shadow",
        # A copy reaches its server as the original does.
        "skip_xff_append": True,
        "route_config": {"virtual_hosts": [{"name": "shadows", "domains": ["*"], "routes": [route]}]},
        "http_filters": [_grpc_stats(), _router()],
    }
    return {
        "name": SHADOW_LISTENER,
        "internal_listener": {},
        "per_connection_buffer_limit_bytes": settings.max_request_bytes,
        "filter_chains": [_filter_chain(connections)],
    }


def _filter_chain(connections: Json) -> Json:
    return {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": connections}]}


def _connections(settings: GatewaySettings, routes_file: Path, access_log: Path) -> Json:
    return {
        **_common(settings, access_log),
        "stat_prefix": STAT_PREFIX,
        "normalize_path": True,
        "always_set_request_id_in_response": True,
        "rds": {"route_config_name": ROUTE_TABLE, "config_source": _watched(routes_file)},
        "local_reply_config": {"mappers": _own_answers(settings)},
        "http_filters": [
            # Counts while the body comes, so that none over the limit is ever kept.
            _body_limit(settings),
            listener_filter(),
            # After inspection: it takes the cluster when the headers pass, which the message decides.
            _grpc_stats(),
            _router(),
        ],
    }


def _common(settings: GatewaySettings, access_log: Path) -> Json:
    """What both listeners do with connections: they keep a request's id, and write to the same log."""
    return {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "codec_type": "AUTO",
        "preserve_external_request_id": True,
        "request_id_extension": {
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
                "pack_trace_reason": False,
            }
        },
        "stream_idle_timeout": seconds(max(300.0, settings.request_timeout_s + 60)),
        "http2_protocol_options": {
            "max_concurrent_streams": STREAMS_PER_CONNECTION,
            # The stream's window limits the buffered body as much as the connection's buffer does.
            "initial_stream_window_size": max(65_535, settings.max_request_bytes),
            "initial_connection_window_size": max(65_535, min(2 * settings.max_request_bytes, 2**31 - 1)),
        },
        "access_log": [
            {
                "name": "envoy.access_loggers.file",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    "path": str(access_log),
                    "log_format": {"text_format_source": {"inline_string": LOG_FORMAT}},
                },
            }
        ],
        "access_log_options": {"access_log_flush_interval": seconds(PROGRESS_S)},
    }


def _body_limit(settings: GatewaySettings) -> Json:
    return {
        "name": "envoy.filters.http.body_size_limit",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit",
            "max_request_bytes": settings.max_request_bytes,
        },
    }


def _grpc_stats() -> Json:
    methods = ["Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"]
    return {
        "name": "envoy.filters.http.grpc_stats",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
            "individual_method_stats_allowlist": {
                "services": [{"name": "tensorflow.serving.PredictionService", "method_names": methods}]
            },
        },
    }


def _router() -> Json:
    return {
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            "suppress_envoy_headers": True,
        },
    }


def _own_answers(settings: GatewaySettings) -> list[Json]:
    """How the gateway words what it answers itself: gRPC by status, REST by TensorFlow Serving's `{"error": …}`."""
    too_large = (
        f"The request's body is larger than the {settings.max_request_bytes / 2**20:g} MiB that this gateway takes;"
        " send fewer rows at once, or have its operator raise the limit (tfx-rollout serve --max-request-mb)."
    )
    too_slow = (
        f"There was no whole answer within the {settings.request_timeout_s:g} s that a request may take here;"
        " the operator can raise that (tfx-rollout serve --request-timeout)."
    )
    grpc = {"name": "content-type", "string_match": {"prefix": "application/grpc"}, "treat_missing_header_as_empty": True}
    by_grpc = {"header_filter": {"header": grpc}}
    by_rest = {"header_filter": {"header": {**grpc, "invert_match": True}}}
    mappers: list[Json] = []
    # By default gRPC clients are told UNKNOWN and UNAVAILABLE, after which some send the request again.
    for http_code, grpc_code, sentence in ((413, _RESOURCE_EXHAUSTED, too_large), (504, _DEADLINE_EXCEEDED, too_slow)):
        mappers += [
            {
                "filter": {"and_filter": {"filters": [_status("EQ", http_code), by_grpc]}},
                "headers_to_add": [_header("grpc-status", str(grpc_code))],
                "body_format_override": {"text_format_source": {"inline_string": sentence}},
            },
            {
                "filter": {"and_filter": {"filters": [_status("EQ", http_code), by_rest]}},
                "body_format_override": {"json_format": {"error": sentence}, "content_type": "application/json"},
            },
        ]
    words = {"json_format": {"error": "%LOCAL_REPLY_BODY%"}, "content_type": "application/json"}
    return [*mappers, {"filter": {"and_filter": {"filters": [_status("GE", 400), by_rest]}}, "body_format_override": words}]


def _header(key: str, value: str) -> Json:
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _status(comparison: str, code: int) -> Json:
    value = {"default_value": code, "runtime_key": f"tfx_rollout.{comparison}.{code}"}
    return {"status_code_filter": {"comparison": {"op": comparison, "value": value}}}


def _heartbeat_cluster(settings: GatewaySettings) -> Json:
    """A cluster that is the gateway itself: its health checks are the log's heartbeat."""
    address = ipaddress.ip_address(settings.host)
    loopback = "127.0.0.1" if address.version == 4 else "::1"
    host = loopback if address.is_unspecified else settings.host
    interval = seconds(HEARTBEAT_S)
    return {
        "name": HEARTBEAT_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "health_checks": [
            {
                "timeout": "5s",
                "interval": interval,
                "no_traffic_interval": interval,
                "no_traffic_healthy_interval": interval,
                "unhealthy_interval": interval,
                "unhealthy_threshold": 1,
                "healthy_threshold": 1,
                "http_health_check": {"path": HEARTBEAT_PATH},
            }
        ],
        "load_assignment": {
            "cluster_name": HEARTBEAT_CLUSTER,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(host, settings.port)}}]}],
        },
    }


def _stats_config() -> Json:
    """Own tags, since Envoy's default ones tear `tensorflow.serving.PredictionService` apart at its dots."""
    built_in = (
        "envoy.cluster_name",
        "envoy.response_code",
        "envoy.response_code_class",
        "envoy.http_conn_manager_prefix",
        "envoy.rds_route_config",
    )
    service = r"tensorflow\.serving\.PredictionService"
    own = {
        "model": r"^cluster\.(([^~.]+)~[^.]*\.)",
        "track": r"^cluster\.([^~.]+~([^~.]+)~[^.]*\.)",
        "protocol": r"^cluster\.([^~.]+~[^~.]+~([^.]+)\.)",
        "grpc_method": rf"^cluster\.[^.]+\.grpc\.({service}\.([^.]+)\.)",
        "grpc_code": rf"^cluster\.[^.]+\.grpc\.{service}\.[^.]+(\.([0-9]+)$)",
    }
    return {
        "use_all_default_tags": False,
        "stats_tags": [{"tag_name": name} for name in built_in]
        + [{"tag_name": name, "regex": regex} for name, regex in own.items()],
        "histogram_bucket_settings": [
            {
                "match": {"suffix": "upstream_rq_time"},
                "buckets": [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000],
            }
        ],
    }


def _watched(file: Path) -> Json:
    return {
        "resource_api_version": "V3",
        "path_config_source": {"path": str(file), "watched_directory": {"path": str(file.parent)}},
    }


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}
