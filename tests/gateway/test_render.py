from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.gateway import GatewayConfig, GatewaySettings, ModelRoutes, Upstream
from tfx_rollout.gateway.naming import cluster_name, cluster_track, draw_route, is_draw, is_shadow
from tfx_rollout.gateway.render import bootstrap, clusters, clusters_file, model_routes, routes_file
from tfx_rollout.traffic import FULL, VARIANTS, Split, Sticky, Track

SETTINGS = GatewaySettings(port=8500, admin_port=8501, access_log=Path("logs"))
PRIMARY = Upstream("127.0.0.1", 1001, 1002, "stable")
SHARED_CANARY = Upstream("127.0.0.1", 1001, 1002, "canary")
OWN_CANARY = Upstream("127.0.0.1", 2001, 2002, "canary")

names = st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True)


def model(name="taxi", canary=OWN_CANARY, split=0, **more):
    tracks = {Track.STABLE: PRIMARY} | ({Track.CANARY: canary} if canary else {}) | more.pop("tracks", {})
    return ModelRoutes(name, tracks, Split(split), **more)


def routes_of(*models):
    return model_routes(GatewayConfig(models), SETTINGS)


def route(name, *models):
    return next(route for route in routes_of(*models) if route["name"] == name)


def weights(name, *models):
    drawn = route(name, *models)["route"]["weighted_clusters"]["clusters"]
    return [(cluster["name"], cluster["weight"]) for cluster in drawn]


def lua_of(cluster):
    filters = cluster["typed_extension_protocol_options"].popitem()[1].get("http_filters", [])
    return "".join(f["typed_config"].get("default_source_code", {}).get("inline_string", "") for f in filters)


@given(st.integers(0, FULL))
def test_weights_are_the_split_with_the_canary_first_and_a_constant_total(canary):
    for protocol in ("grpc", "rest"):
        found = weights(draw_route("taxi", protocol), model(split=canary))
        parts = [(f"taxi~canary~{protocol}", canary), (f"taxi~stable~{protocol}", FULL - canary)]
        assert found == [part for part in parts if part[1]]


def test_without_a_canary_all_is_stable():
    assert weights("draw/taxi/grpc", model(canary=None)) == [("taxi~stable~grpc", FULL)]


@given(st.lists(names, min_size=1, max_size=4, unique=True), st.booleans(), st.integers(0, FULL))
def test_every_cluster_that_a_route_names_exists(models, own_server, split):
    canary = OWN_CANARY if own_server else SHARED_CANARY
    config = GatewayConfig(
        tuple(model(name, canary, split, mirror=100, tracks={Track.SHADOW: canary}, sticky=Sticky("x-u", "s")) for name in models)
    )
    there = [cluster["name"] for cluster in clusters(config)]
    assert len(there) == len(set(there)) == 9 * len(models)
    text = routes_file(config, SETTINGS).text
    named = set(re.findall(r'"(?:cluster|name)": "([^"]*~[^"]*)"', text))
    assert named <= set(there)


@given(names)
def test_a_models_name_is_matched_literally_and_names_can_be_taken_apart(name):
    regex = route(draw_route(name, "rest"), model(name))["match"]["safe_regex"]["regex"]
    assert re.fullmatch(regex, f"/v1/models/{name}:predict")
    assert not re.fullmatch(regex, f"/v1/models/{name}x:predict")
    assert not re.fullmatch(regex, f"/v1/models/{name}/versions/1:predict")
    assert cluster_track(cluster_name(name, Track.CANARY, "grpc")) == (name, Track.CANARY)
    assert "." not in next(iter(clusters(GatewayConfig((model(name),)))))["alt_stat_name"]


def test_only_the_draw_is_evidence():
    drawn = [route["name"] for route in routes_of(model(split=1)) if is_draw(route["name"])]
    assert drawn == ["draw/taxi/grpc", "draw/taxi/rest"]
    assert cluster_track("heartbeat") is None
    assert cluster_track("a~b~c") is None


def test_what_the_client_chose_comes_before_what_it_forces_and_that_before_the_draw():
    order = [route["name"] for route in routes_of(model())]
    places = [
        order.index(name) for name in ("pinned/taxi/grpc", "forced/taxi/canary/grpc", "metadata/taxi/grpc", "draw/taxi/grpc")
    ]
    assert places == sorted(places)
    assert order[-1] == "unknown/rest"


def test_each_track_writes_its_own_label_and_pinned_calls_stay_as_they_are():
    labels = {c["name"]: re.findall(r'LABEL = "(.*)"', lua_of(c)) for c in clusters(GatewayConfig((model(),)))}
    assert labels["taxi~stable~grpc"] == labels["taxi~stable~rest"] == ["stable"]
    assert labels["taxi~canary~grpc"] == labels["taxi~canary~rest"] == ["canary"]
    assert labels["taxi~pinned~grpc"] == labels["taxi~pinned~rest"] == []


def test_a_variant_on_the_primary_server_is_drawn_forced_and_labelled_and_needs_no_route_for_pins():
    arms = {track: replace(PRIMARY, label=str(track), version=n) for n, track in enumerate(VARIANTS, start=2)}
    split = Split(variants={Track.VARIANT_B: 3000, Track.VARIANT_C: 1000})
    test = ModelRoutes("taxi", {Track.STABLE: PRIMARY, **arms}, split)
    drawn = weights("draw/taxi/rest", test)
    assert {name: sum(units for other, units in drawn if other == name) for name, _ in drawn} == {
        "taxi~variant-b~rest": 3000,
        "taxi~variant-c~rest": 1000,
        "taxi~stable~rest": 6000,
    }
    assert route("forced/taxi/variant-f/grpc", test)["route"]["cluster"] == "taxi~variant-f~grpc"
    refusal = route("forced/taxi/unknown/rest", test)["direct_response"]["body"]["inline_string"]
    assert refusal.endswith("it has: stable, variant-b, variant-c, variant-d, variant-e, variant-f.")
    made = {cluster["name"]: lua_of(cluster) for cluster in clusters(GatewayConfig((test,)))}
    for track in VARIANTS:
        assert f'LABEL = "{track}"' in made[f"taxi~{track}~grpc"]
        assert f'LABEL = "{track}"' in made[f"taxi~{track}~rest"]
    assert not [r for r in routes_of(test) if r["name"].startswith("pinned/taxi/variant")]


def test_a_route_tells_the_version_of_its_track_while_that_is_known_and_none_for_a_status():
    known = ModelRoutes(
        "taxi", {Track.STABLE: replace(PRIMARY, version=7), Track.CANARY: replace(OWN_CANARY, version=8)}, Split(1)
    )
    assert told("draw/taxi/rest", known) == {"taxi~canary~rest": {"8"}, "taxi~stable~rest": {"7"}}
    for name, version in (
        ("forced/taxi/stable/rest", {"7"}),
        ("metadata/taxi/rest", {"7"}),
        ("pinned/taxi/canary/version/rest", {"8"}),
        ("pinned/taxi/canary/version/rest/status", set()),
        ("pinned/taxi/canary/label/grpc/status", set()),
        ("status/taxi/grpc", set()),
        ("pinned/taxi/rest", set()),
    ):
        assert versions_in(route(name, known)) == version
    for protocol in ("grpc", "rest"):
        assert set().union(*told(f"draw/taxi/{protocol}", model(split=1)).values()) == set()


def told(name, *models):
    """Cluster to versions that a draw's answers are said to be from."""
    drawn = route(name, *models)["route"]["weighted_clusters"]["clusters"]
    return {cluster["name"]: versions_in(cluster) for cluster in drawn}


def versions_in(told):
    return set(re.findall(r"\d+", json.dumps(told["typed_per_filter_config"]).replace(".v3.", "")))


def test_an_upstream_without_a_label_gets_calls_as_they_are():
    bare = Upstream("127.0.0.1", 1, 2)
    assert all(lua_of(cluster) == "" for cluster in clusters(GatewayConfig((ModelRoutes("m", {Track.STABLE: bare}),))))


def test_a_label_on_a_server_of_its_own_is_found_there_and_needs_no_route_on_a_shared_one():
    assert route("pinned/taxi/canary/label/grpc", model())["route"]["cluster"] == "taxi~canary~grpc"
    assert not [r for r in routes_of(model(canary=SHARED_CANARY)) if r["name"].startswith("pinned/taxi/canary")]


def test_a_version_on_a_server_of_its_own_is_found_there_by_its_number():
    numbered = model(canary=replace(OWN_CANARY, version=7))
    assert route("pinned/taxi/canary/version/grpc", numbered)["route"]["cluster"] == "taxi~canary~grpc"
    found = route("pinned/taxi/canary/version/rest", numbered)
    assert found["route"]["cluster"] == "taxi~canary~rest"
    regex = found["match"]["safe_regex"]["regex"]
    assert re.fullmatch(regex, "/v1/models/taxi/versions/7:predict")
    status = route("pinned/taxi/canary/version/rest/status", numbered)
    assert status["route"]["cluster"] == "taxi~canary~rest"
    assert re.fullmatch(status["match"]["safe_regex"]["regex"], "/v1/models/taxi/versions/7")
    assert not re.fullmatch(regex, "/v1/models/taxi/versions/77:predict")
    assert not [r for r in routes_of(model()) if "/version/" in r["name"]]


def test_a_share_is_mirrored_by_way_of_the_listener_that_logs_copies():
    mirrored = model(mirror=1000, tracks={Track.SHADOW: OWN_CANARY})
    made = {cluster["name"]: cluster for cluster in clusters(GatewayConfig((mirrored,)))}
    for protocol in ("grpc", "rest"):
        policy = route(draw_route("taxi", protocol), mirrored)["route"]["request_mirror_policies"][0]
        assert policy["runtime_fraction"]["default_value"] == {"numerator": 1000, "denominator": "TEN_THOUSAND"}
        assert policy["cluster"] == "taxi~mirror"
        told = policy["request_headers_mutations"][0]["append"]["header"]
        assert told == {"key": "x-gateway-shadow", "value": f"taxi~shadow~{protocol}"}
        assert 'LABEL = "canary"' in lua_of(made[told["value"]])
    assert made["taxi~mirror"]["circuit_breakers"]["thresholds"][0]["max_requests"] == 64
    (endpoint,) = made["taxi~mirror"]["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"] == {"envoy_internal_address": {"server_listener_name": "shadow"}}
    assert cluster_track("taxi~mirror") is None
    assert "request_mirror_policies" not in route("draw/taxi/grpc", model())["route"]
    assert "taxi~mirror" not in {cluster["name"] for cluster in clusters(GatewayConfig((model(),)))}


def test_copies_are_logged_as_their_originals_are_under_a_route_of_their_own():
    files = {"clusters_file": Path("/x/c/c.json"), "routes_file": Path("/x/r/r.json"), "access_log": Path("/x/log")}
    models, shadow = (
        listener["filter_chains"][0]["filters"][0]["typed_config"]
        for listener in bootstrap(SETTINGS, **files)["static_resources"]["listeners"]
    )
    assert (shadow["access_log"], shadow["access_log_options"]) == (models["access_log"], models["access_log_options"])
    (only,) = shadow["route_config"]["virtual_hosts"][0]["routes"]
    assert is_shadow(only["name"])
    assert not is_draw(only["name"])
    assert only["route"]["cluster_header"] == "x-gateway-shadow"
    original = route("draw/taxi/grpc", model())["route"]
    assert [only["route"][key] for key in ("timeout", "retry_policy")] == [original[key] for key in ("timeout", "retry_policy")]


def test_sticky_assignment_is_by_a_salted_header():
    drawn = route("draw/taxi/rest", model(sticky=Sticky("x-user", "trial-1")))["route"]
    assert drawn["weighted_clusters"]["use_hash_policy"] is True
    header = drawn["hash_policy"][0]["header"]
    assert (header["header_name"], header["regex_rewrite"]["substitution"]) == ("x-user", "\\1|trial-1")


def test_only_a_sticky_draw_tells_the_log_a_unit():
    sticky = model(sticky=Sticky("x-user", "trial-1"))
    told = [r["name"] for r in routes_of(sticky) if "metadata" in r]
    assert told == ["draw/taxi/grpc", "draw/taxi/rest"]
    found = route("draw/taxi/grpc", sticky)["metadata"]["filter_metadata"]["tfx_rollout.listener"]
    assert found == {"sticky": {"header": "x-user", "salt": "trial-1"}}
    assert not [r for r in routes_of(model()) if "metadata" in r]


def test_nothing_that_may_have_reached_a_model_is_sent_again():
    assert route("draw/taxi/grpc", model())["route"]["retry_policy"]["retry_on"] == (
        "connect-failure,refused-stream,reset-before-request"
    )


def test_the_version_says_what_is_in_the_file_and_the_heartbeat_says_the_version():
    one, other = (routes_file(GatewayConfig((model(split=n),)), SETTINGS) for n in (1, 2))
    assert one.version != other.version
    assert one == routes_file(GatewayConfig((model(split=1),)), SETTINGS)
    document = json.loads(one.text)
    assert document["version_info"] == one.version
    heartbeat = document["resources"][0]["virtual_hosts"][0]["routes"][0]
    assert heartbeat["response_headers_to_add"][0]["header"] == {"key": "x-gateway-routes", "value": one.version}


def test_the_order_of_models_is_no_change_of_the_clusters():
    one, other = model("one"), model("other")
    assert clusters_file(clusters(GatewayConfig((one, other)))) == clusters_file(clusters(GatewayConfig((other, one))))


def test_the_answer_for_unknown_models_lists_a_bounded_number():
    many = [model(f"model-{n:03}", None) for n in range(200)]
    body = route("unknown/rest", *many)["direct_response"]["body"]["inline_string"]
    assert "model-019, …" in body
    # Envoy's limit for the body of a direct response.
    assert len(body.encode()) <= 4096
    assert "no model is live" in route("unknown/rest")["direct_response"]["body"]["inline_string"]


def test_the_bootstrap_keeps_its_port_to_itself_and_watches_two_folders():
    files = {"clusters_file": Path("/x/c/c.json"), "routes_file": Path("/x/r/r.json"), "access_log": Path("/x/log")}
    rendered = bootstrap(SETTINGS, **files)
    listener = rendered["static_resources"]["listeners"][0]
    assert listener["enable_reuse_port"] is False
    assert rendered["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"
    assert json.dumps(rendered).count('"watched_directory"') == 2
    assert "@MODEL_HEADER@" not in json.dumps(rendered)


def test_the_heartbeat_finds_a_gateway_that_listens_everywhere():
    settings = GatewaySettings(port=8500, admin_port=8501, access_log=Path("logs"), host="0.0.0.0")
    files = {"clusters_file": Path("/x/c/c.json"), "routes_file": Path("/x/r/r.json"), "access_log": Path("/x/log")}
    rendered = bootstrap(settings, **files)
    heartbeat = rendered["static_resources"]["clusters"][0]
    assert '"127.0.0.1"' in json.dumps(heartbeat["load_assignment"])


def test_the_listeners_script_is_whole_and_knows_its_names():
    files = {"clusters_file": Path("/x/c/c.json"), "routes_file": Path("/x/r/r.json"), "access_log": Path("/x/log")}
    listener = bootstrap(SETTINGS, **files)["static_resources"]["listeners"][0]
    connections = listener["filter_chains"][0]["filters"][0]["typed_config"]
    assert (connections["preserve_external_request_id"], connections["always_set_request_id_in_response"]) == (True, True)
    (script,) = (
        f["typed_config"]["default_source_code"]["inline_string"]
        for f in connections["http_filters"]
        if "default_source_code" in f["typed_config"]
    )
    assert re.findall(r"@\w+@", script) == []
    # A local function must stand before the one that calls it.
    assert script.index("function envoy_on_request") == script.rindex("function ")
