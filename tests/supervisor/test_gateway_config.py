from __future__ import annotations

from tfx_rollout.supervisor.gateway_config import ModelTraffic, gateway_config
from tfx_rollout.traffic import Label, Route, Split, Sticky, Track

STABLE = Route("taxi", Label.STABLE)
CANARY = Route("taxi~canary", Label.CANARY)
ADDRESSES = {"taxi": ("127.0.0.1", 1001, 1002), "taxi~canary": ("127.0.0.1", 2001, 2002)}


def test_tracks_lead_to_their_servers_with_their_labels_and_pinned_calls_to_the_primary():
    traffic = ModelTraffic(Split(500), {Track.STABLE: STABLE, Track.CANARY: CANARY}, sticky=Sticky("x-user", "s1"))
    (routes,) = gateway_config({"taxi": traffic}, ADDRESSES).models
    assert {t: (u.grpc_port, u.rest_port, u.label) for t, u in routes.tracks.items()} == {
        Track.STABLE: (1001, 1002, "stable"),
        Track.CANARY: (2001, 2002, "canary"),
    }
    assert (routes.split, routes.mirror, routes.sticky) == (Split(500), 0, Sticky("x-user", "s1"))
    assert (routes.primary.grpc_port, routes.primary.label) == (1001, None)


def test_a_canary_without_a_share_is_a_track_that_requests_can_ask_for():
    traffic = ModelTraffic(Split(0), {Track.STABLE: STABLE, Track.CANARY: CANARY})
    (routes,) = gateway_config({"taxi": traffic}, ADDRESSES).models
    assert (routes.tracks[Track.CANARY].grpc_port, routes.split) == (2001, Split(0))


def test_each_track_has_its_number_where_it_is_known():
    traffic = ModelTraffic(Split(500), {Track.STABLE: STABLE, Track.CANARY: CANARY}, numbers={Track.CANARY: 7})
    (routes,) = gateway_config({"taxi": traffic}, ADDRESSES).models
    assert (routes.tracks[Track.CANARY].version, routes.tracks[Track.STABLE].version) == (7, None)


def test_variants_lead_to_the_primary_by_their_labels_with_their_shares():
    split = Split(variants={Track.VARIANT_B: 2000, Track.VARIANT_C: 3000})
    variants = {Track.VARIANT_B: Route("taxi", Label.VARIANT_B), Track.VARIANT_C: Route("taxi", Label.VARIANT_C)}
    (routes,) = gateway_config({"taxi": ModelTraffic(split, {Track.STABLE: STABLE, **variants})}, ADDRESSES).models
    assert routes.split == split
    assert (routes.tracks[Track.VARIANT_C].grpc_port, routes.tracks[Track.VARIANT_C].label) == (1001, "variant-c")
    del variants[Track.VARIANT_B]
    (routes,) = gateway_config({"taxi": ModelTraffic(split, {Track.STABLE: STABLE, **variants})}, ADDRESSES).models
    assert routes.split == Split(variants={Track.VARIANT_C: 3000})


def test_a_track_whose_server_has_no_address_is_left_out_with_its_share():
    traffic = ModelTraffic(Split(500), {Track.STABLE: STABLE, Track.CANARY: CANARY, Track.SHADOW: CANARY}, mirror=100)
    (routes,) = gateway_config({"taxi": traffic}, {"taxi": ADDRESSES["taxi"]}).models
    assert (set(routes.tracks), routes.split, routes.mirror) == ({Track.STABLE}, Split(), 0)


def test_a_model_without_a_stable_track_is_left_out_and_the_others_are_in_order():
    traffic = {
        "zoo": ModelTraffic(routes={Track.STABLE: Route("zoo", Label.STABLE)}),
        "taxi": ModelTraffic(routes={Track.STABLE: STABLE}),
        "new": ModelTraffic(),
        "lost": ModelTraffic(routes={Track.STABLE: Route("lost", Label.STABLE)}),
    }
    config = gateway_config(traffic, {**ADDRESSES, "zoo": ("127.0.0.1", 3, 4)})
    assert [routes.model for routes in config.models] == ["taxi", "zoo"]
