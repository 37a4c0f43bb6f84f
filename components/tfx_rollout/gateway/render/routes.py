"""The route table: pinned, forced and drawn calls of every model, and an answer for everything else.

Each answer says which track it is from, and which version where the route's upstream tells one
(`version`). For each model, in this order, the first match wins:

    gRPC  pinned by the label or version of a track → its server     (the client's own choice comes first)
          pinned otherwise, or a status → the primary server
          forced by a request header → that track; an unknown track → NOT_FOUND
          GetModelMetadata → stable    (the signature that clients are told must not be drawn by chance)
          inference → drawn by weight  (the only routes that are evidence)
    REST  the same by path
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tfx_rollout.gateway.config import GatewayConfig, GatewaySettings, ModelRoutes
from tfx_rollout.gateway.naming import (
    HEARTBEAT_PATH,
    MODEL_HEADER,
    PIN_HEADER,
    ROUTE_TABLE,
    ROUTES_HEADER,
    SHADOW_HEADER,
    TRACK_HEADER,
    VERSION_HEADER,
    Protocol,
    cluster_name,
    draw_route,
    mirror_cluster,
    route_name,
)
from tfx_rollout.gateway.render.discovery import Discovery, digest, discovery, seconds
from tfx_rollout.gateway.render.lua import LISTENER_FILTER
from tfx_rollout.gateway.render.places import places
from tfx_rollout.gateway.render.version import told_version
from tfx_rollout.traffic import FULL, Track

PREDICTION = "/tensorflow.serving.PredictionService/"
STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
_INFERENCE_GRPC = re.escape(PREDICTION) + "(Predict|Classify|Regress|MultiInference)"
_METADATA_GRPC = PREDICTION + "GetModelMetadata"
_INFERENCE_REST = ":(predict|classify|regress)"
_NAMES_LISTED = 20

_INVALID_ARGUMENT, _NOT_FOUND, _UNIMPLEMENTED = 3, 5, 12

Json = dict[str, Any]


def routes_file(config: GatewayConfig, settings: GatewaySettings) -> Discovery:
    """The discovery file with the route table of this configuration.

    The heartbeat's answer carries the file's version, so that the worker thread itself,
    which takes routes over a moment after Envoy's main thread, can be asked what it uses.
    """
    routes = model_routes(config, settings)
    version = digest(routes)
    heartbeat = {
        "name": "heartbeat",
        "match": {"path": HEARTBEAT_PATH},
        "direct_response": {"status": 200},
        "response_headers_to_add": [_header(ROUTES_HEADER, version)],
    }
    table = {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": ROUTE_TABLE,
        "virtual_hosts": [
            {
                "name": "models",
                "domains": ["*"],
                "routes": [heartbeat, *routes],
                "request_headers_to_remove": [MODEL_HEADER, PIN_HEADER, TRACK_HEADER, VERSION_HEADER],
            }
        ],
    }
    return discovery([table], version)


def model_routes(config: GatewayConfig, settings: GatewaySettings) -> list[Json]:
    """The routes of every model, and after them the answers for what is no model's."""
    routes: list[Json] = []
    for model in config.models:
        routes += _grpc_routes(model, settings)
        routes += _rest_routes(model, settings)
    routes += _unknown([model.model for model in config.models])
    return routes


def _grpc_routes(routes: ModelRoutes, settings: GatewaySettings) -> Iterator[Json]:
    model = routes.model
    this_model = _exact(MODEL_HEADER, model)
    prediction = {"prefix": PREDICTION, "grpc": {}}
    for track, kind, value in _elsewhere(routes):
        pin = _exact(PIN_HEADER, f"{kind}:{value}")
        name = route_name("pinned", model, str(track), kind, "grpc")
        yield _to(name, {**prediction, "headers": [this_model, pin]}, routes, track, "grpc", settings, answer=Track.PINNED)
        match = {"path": STATUS, "grpc": {}, "headers": [this_model, pin]}
        yield _to(f"{name}/status", match, routes, track, "grpc", settings, answer=Track.PINNED, predicts=False)
    match = {**prediction, "headers": [this_model, {"name": PIN_HEADER, "present_match": True}]}
    yield _to(route_name("pinned", model, "grpc"), match, routes, Track.PINNED, "grpc", settings)
    match = {"path": STATUS, "grpc": {}, "headers": [this_model]}
    yield _to(route_name("status", model, "grpc"), match, routes, Track.PINNED, "grpc", settings)
    for track in routes.weighted:
        match = {**prediction, "headers": [this_model, _exact(TRACK_HEADER, str(track))]}
        yield _to(route_name("forced", model, str(track), "grpc"), match, routes, track, "grpc", settings)
    forced = {"name": TRACK_HEADER, "present_match": True}
    yield _grpc_refusal(
        route_name("forced", model, "unknown", "grpc"),
        {**prediction, "headers": [this_model, forced]},
        _NOT_FOUND,
        _no_such_track(routes),
    )
    match = {"path": _METADATA_GRPC, "grpc": {}, "headers": [this_model]}
    yield _to(route_name("metadata", model, "grpc"), match, routes, Track.STABLE, "grpc", settings)
    yield _draw(routes, "grpc", {"safe_regex": {"regex": _INFERENCE_GRPC}, "grpc": {}, "headers": [this_model]}, settings)


def _rest_routes(routes: ModelRoutes, settings: GatewaySettings) -> Iterator[Json]:
    model = routes.model
    path = "/v1/models/" + re.escape(model)
    tracked: Json = {"safe_regex": {"regex": f"{path}({_INFERENCE_REST}|/metadata)"}}
    for track in routes.weighted:
        match = {**tracked, "headers": [_exact(TRACK_HEADER, str(track))]}
        yield _to(route_name("forced", model, str(track), "rest"), match, routes, track, "rest", settings)
    yield _rest_refusal(
        route_name("forced", model, "unknown", "rest"),
        {**tracked, "headers": [{"name": TRACK_HEADER, "present_match": True}]},
        _no_such_track(routes),
    )
    yield _draw(routes, "rest", {"safe_regex": {"regex": path + _INFERENCE_REST}}, settings)
    match = {"safe_regex": {"regex": path + "/metadata"}}
    yield _to(route_name("metadata", model, "rest"), match, routes, Track.STABLE, "rest", settings)
    for track, kind, value in _elsewhere(routes):
        pinned = f"{path}/{kind}s/{re.escape(value)}"
        match = {"safe_regex": {"regex": f"{pinned}({_INFERENCE_REST}|/metadata)"}}
        name = route_name("pinned", model, str(track), kind, "rest")
        yield _to(name, match, routes, track, "rest", settings, answer=Track.PINNED)
        match = {"safe_regex": {"regex": f"{pinned}([:/].*)?"}}
        yield _to(f"{name}/status", match, routes, track, "rest", settings, answer=Track.PINNED, predicts=False)
    match = {"safe_regex": {"regex": f"{path}([/:].*)?"}}
    yield _to(route_name("pinned", model, "rest"), match, routes, Track.PINNED, "rest", settings)


def _unknown(models: Sequence[str]) -> Iterator[Json]:
    """Answers for everything that is no model's, as TensorFlow Serving gives them."""
    listed = ", ".join(sorted(models)[:_NAMES_LISTED]) + (", …" if len(models) > _NAMES_LISTED else "")
    known = f"models behind this gateway: {listed}" if models else "no model is live behind this gateway yet"
    sentence = f"Servable not found for request: there is no model of this name; {known}."
    unnamed = {"name": MODEL_HEADER, "present_match": True, "invert_match": True}
    for name, match in (("prediction", {"prefix": PREDICTION}), ("status", {"path": STATUS})):
        yield _grpc_refusal(
            f"unnamed/{name}",
            {**match, "grpc": {}, "headers": [unnamed]},
            _INVALID_ARGUMENT,
            "Missing ModelSpec: the request names no model; set model_spec.name.",
        )
        yield _grpc_refusal(f"unknown/{name}", {**match, "grpc": {}}, _NOT_FOUND, sentence)
    yield _grpc_refusal(
        "unknown/method",
        {"prefix": "/", "grpc": {}},
        _UNIMPLEMENTED,
        "This gateway passes tensorflow.serving.PredictionService and ModelService/GetModelStatus only.",
    )
    yield _rest_refusal("unknown/rest", {"prefix": "/"}, sentence)


def _draw(routes: ModelRoutes, protocol: Protocol, match: Json, settings: GatewaySettings) -> Json:
    """The weighted route: the places of the tracks (`places`), in order and with a constant total."""
    action: Json = {
        **limits(settings),
        "weighted_clusters": {
            "clusters": [
                {
                    "name": cluster_name(routes.model, track, protocol),
                    "weight": units,
                    "response_headers_to_add": [_answer_header(track)],
                    "typed_per_filter_config": told_version(routes.tracks[track].version, protocol),
                }
                for track, units in places(routes.split, routes.weighted)
            ],
        },
    }
    route: Json = {"name": draw_route(routes.model, protocol), "match": match, "route": action}
    if routes.sticky is not None:
        action["weighted_clusters"]["use_hash_policy"] = True
        salted = {"pattern": {"regex": "^(.*)$"}, "substitution": f"\\1|{routes.sticky.salt}"}
        action["hash_policy"] = [{"header": {"header_name": routes.sticky.header, "regex_rewrite": salted}}]
        # The filter reads these to tell the log the unit that is drawn for.
        sticky = {"header": routes.sticky.header, "salt": routes.sticky.salt}
        route["metadata"] = {"filter_metadata": {LISTENER_FILTER: {"sticky": sticky}}}
    if routes.mirror:
        action["request_mirror_policies"] = [
            {
                "cluster": mirror_cluster(routes.model),
                "request_headers_mutations": [
                    {"append": _header(SHADOW_HEADER, cluster_name(routes.model, Track.SHADOW, protocol))}
                ],
                "disable_shadow_host_suffix_append": True,
                "runtime_fraction": {"default_value": {"numerator": routes.mirror, "denominator": "TEN_THOUSAND"}},
            }
        ]
    assert sum(cluster["weight"] for cluster in action["weighted_clusters"]["clusters"]) == FULL
    return route


def _to(
    name: str,
    match: Json,
    routes: ModelRoutes,
    track: Track,
    protocol: Protocol,
    settings: GatewaySettings,
    *,
    answer: Track | None = None,
    predicts: bool = True,
) -> Json:
    """A route to one track; `predicts` where it is the track's version that answers, and not the server about itself."""
    upstream = routes.tracks.get(track)
    version = upstream.version if predicts and upstream is not None else None
    return {
        "name": name,
        "match": match,
        "route": {"cluster": cluster_name(routes.model, track, protocol), **limits(settings)},
        "response_headers_to_add": [_answer_header(answer or track)],
        "typed_per_filter_config": told_version(version, protocol),
    }


def limits(settings: GatewaySettings) -> Json:
    """How long a request may take on any route, and when it is tried once more."""
    return {
        "timeout": seconds(settings.request_timeout_s),
        # Only what cannot have reached the model: a request is never computed twice.
        "retry_policy": {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 1},
    }


def _elsewhere(routes: ModelRoutes) -> Iterator[tuple[Track, str, str]]:
    """Tracks on another server than the primary, with the label and the version that only their server knows.

    What is on the primary (the variants, and a canary that shares it) is found there by whatever names it.
    """
    for track in routes.weighted:
        upstream = routes.tracks[track]
        if upstream.same_server(routes.primary):
            continue
        if upstream.label is not None:
            yield track, "label", upstream.label
        if upstream.version is not None:
            yield track, "version", str(upstream.version)


def _no_such_track(routes: ModelRoutes) -> str:
    tracks = ", ".join(str(track) for track in routes.weighted)
    return f"Model {routes.model} has no track of the name in {TRACK_HEADER}; it has: {tracks}."


def _grpc_refusal(name: str, match: Json, status: int, sentence: str) -> Json:
    return {
        "name": name,
        "match": match,
        "direct_response": {"status": 404, "body": {"inline_string": sentence}},
        "response_headers_to_add": [_header("grpc-status", str(status))],
    }


def _rest_refusal(name: str, match: Json, sentence: str) -> Json:
    return {
        "name": name,
        "match": match,
        # The listener puts it into TensorFlow Serving's form of an error.
        "direct_response": {"status": 404, "body": {"inline_string": sentence}},
    }


def _answer_header(track: Track) -> Json:
    return _header(TRACK_HEADER, str(track))


def _header(key: str, value: str) -> Json:
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _exact(header: str, value: str) -> Json:
    return {"name": header, "string_match": {"exact": value}}
