"""What a desired state means in servers and routes."""

from __future__ import annotations

from tfx_rollout.traffic import DesiredState, Label, Route, ServerSpec, Split, Track, place, routes


def test_the_canary_gets_a_server_of_its_own_in_the_dedicated_topology():
    desired = DesiredState("m", 1, (1, 2, 3), {Label.STABLE: 2, Label.PREVIOUS: 1, Label.CANARY: 3}, Split.of(0.05))
    assert place(desired) == {
        "m": ServerSpec((1, 2), {Label.STABLE: 2, Label.PREVIOUS: 1}),
        "m~canary": ServerSpec((3,), {Label.CANARY: 3}),
    }
    assert routes(desired) == {Track.STABLE: Route("m", Label.STABLE), Track.CANARY: Route("m~canary", Label.CANARY)}


def test_one_server_holds_everything_in_the_shared_topology():
    desired = DesiredState("m", 1, (1, 2), {Label.STABLE: 1, Label.CANARY: 2}, Split.of(0.05), "shared")
    assert place(desired) == {"m": ServerSpec((1, 2), {Label.STABLE: 1, Label.CANARY: 2})}
    assert routes(desired)[Track.CANARY] == Route("m", Label.CANARY)


def test_a_version_that_is_canary_and_previous_is_held_on_both_servers():
    desired = DesiredState("m", 1, (1, 2), {Label.STABLE: 2, Label.PREVIOUS: 1, Label.CANARY: 1})
    assert place(desired)["m"].versions == (1, 2)
    assert place(desired)["m~canary"].versions == (1,)


def test_mirrored_copies_go_where_the_canary_is():
    desired = DesiredState("m", 1, (1, 2), {Label.STABLE: 1, Label.CANARY: 2}, mirror=100)
    assert routes(desired)[Track.SHADOW] == Route("m~canary", Label.CANARY)


def test_nothing_desired_needs_no_server_and_no_route():
    assert place(DesiredState("m")) == {}
    assert routes(DesiredState("m")) == {}


def test_variants_and_aliases_are_the_primarys_in_every_topology():
    labels = {Label.STABLE: 1, Label.VARIANT_B: 2}
    for topology in ("dedicated", "shared"):
        desired = DesiredState("m", 1, (1, 2), labels, Split.among({Track.VARIANT_B: 0.5}), topology, aliases={"eu": 2})
        assert place(desired) == {"m": ServerSpec((1, 2), {**labels, "eu": 2})}
        assert routes(desired) == {Track.STABLE: Route("m", Label.STABLE), Track.VARIANT_B: Route("m", Label.VARIANT_B)}


def test_a_canary_that_is_pinned_or_has_an_alias_is_held_on_both_servers():
    plain = DesiredState("m", 1, (1, 2, 3), {Label.STABLE: 1, Label.CANARY: 2})
    assert place(plain)["m"].versions == (1, 3)
    for kept in (plain.change(pinned=(2,)), plain.change(aliases={"eu": 2})):
        assert place(kept)["m"].versions == (1, 2, 3)
        assert place(kept)["m~canary"] == ServerSpec((2,), {Label.CANARY: 2})
