"""Splits, desired and observed states: values that cannot contradict themselves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.errors import InvalidInput, InvalidState
from tfx_rollout.traffic import (
    FULL,
    LABEL_OF,
    VARIANTS,
    WEIGHTED,
    Cause,
    DesiredState,
    Label,
    ObservedState,
    Route,
    ServerObservation,
    Split,
    Sticky,
    Track,
    VersionState,
    label_named,
)


@given(st.floats(0, 1))
def test_shares_add_up_and_round_to_a_hundredth_of_a_percent(share):
    split = Split.of(share)
    assert split.units(Track.STABLE) + split.units(Track.CANARY) == FULL
    assert split.share(Track.CANARY) == pytest.approx(share, abs=0.00005001)
    assert Split.from_json(json.loads(json.dumps(split.to_json()))) == split


@st.composite
def splits(draw):
    """Any split: each track takes some of what the ones before it left."""
    left, units = FULL, {}
    for track in draw(st.permutations([Track.CANARY, *VARIANTS])):
        units[track] = draw(st.integers(0, left))
        left -= units[track]
    return Split(units.pop(Track.CANARY), units)


@given(splits())
def test_the_shares_of_all_tracks_add_up_and_come_back_from_json(split):
    assert sum(split.units(track) for track in Track) == FULL
    assert sum(split.units(track) for track in WEIGHTED) == FULL
    assert Split.from_json(json.loads(json.dumps(split.to_json()))) == split
    assert hash(split) == hash(Split.from_json(split.to_json()))
    assert split.only(set(WEIGHTED)) == split
    assert split.only(set()) == Split()


def test_json_has_a_key_for_each_variant_that_there_is_and_older_json_has_none():
    assert Split(500).to_json() == {"stable": 9500, "canary": 500}
    split = Split(variants={Track.VARIANT_C: 100, Track.VARIANT_B: 2000, Track.VARIANT_D: 0})
    assert split.to_json() == {"stable": 7900, "canary": 0, "variant-b": 2000, "variant-c": 100}
    assert Split.from_json({"canary": 500}) == Split.from_json({"stable": 9500, "canary": 500}) == Split(500)
    assert split == Split.among({Track.VARIANT_B: 0.2, Track.VARIANT_C: 0.01})


def test_a_split_says_who_gets_what():
    assert str(Split()) == "stable 100 % · canary 0 %"
    assert str(Split(500)) == "stable 95 % · canary 5 %"
    assert str(Split.among({Track.VARIANT_B: 0.5})) == "stable 50 % · variant-b 50 %"


@pytest.mark.parametrize(
    ("canary", "variants", "fault"),
    [
        (0, {Track.CANARY: 5}, "canary is no variant"),
        (0, {"variant-z": 5}, "variant-z is no variant"),
        (0, {Track.VARIANT_B: -1}, "for variant-b is not an integer"),
        (0, {Track.VARIANT_B: 0.5}, "for variant-b is not an integer"),
        (5000, {Track.VARIANT_B: 5001}, "10001 units together"),
    ],
)
def test_shares_of_variants_that_cannot_be_are_refused(canary, variants, fault):
    with pytest.raises(InvalidInput, match=fault):
        Split(canary, variants)


def test_every_weighted_track_has_its_label():
    assert [str(LABEL_OF[track]) for track in WEIGHTED] == [str(track) for track in WEIGHTED]
    assert LABEL_OF[Track.SHADOW] is Label.CANARY
    assert label_named("variant-b") is Label.VARIANT_B
    assert label_named("champion") == "champion"


@pytest.mark.parametrize("units", [-1, FULL + 1, 0.5, "10"])
def test_a_share_outside_its_range_is_refused(units):
    with pytest.raises(InvalidInput, match="canary share"):
        Split(units)


def test_shares_that_do_not_add_up_are_refused():
    with pytest.raises(InvalidInput, match="add up"):
        Split.from_json({"stable": 9000, "canary": 500})


def test_a_track_without_weight_has_no_units():
    assert Split(500).units(Track.SHADOW) == Split(500).units(Track.PINNED) == 0


def test_a_label_must_name_a_version_that_is_held():
    with pytest.raises(InvalidState, match="label stable names version 3"):
        DesiredState("m", versions=(1, 2), labels={Label.STABLE: 3})


def test_a_canary_needs_a_stable_version_beside_it():
    with pytest.raises(InvalidState, match="no stable one"):
        DesiredState("m", versions=(1,), labels={Label.CANARY: 1})


def test_weight_needs_a_label():
    with pytest.raises(InvalidState, match="5 % of the traffic but no label"):
        DesiredState("m", versions=(1,), labels={Label.STABLE: 1}, split=Split.of(0.05))


STABLE = {Label.STABLE: 1}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"pinned": (3,)}, r"version 3 is pinned, which is not among \[1, 2\]"),
        ({"aliases": {"champion": 3}}, r"alias champion names version 3, which is not among \[1, 2\]"),
        ({"aliases": {"canary": 1}}, "'canary' is a label of this program"),
        ({"aliases": {"variant-f": 1}}, "'variant-f' is a label of this program"),
        ({"aliases": {"Champion": 1}}, "alias 'Champion' is not 1 to 63 lower-case"),
        ({"aliases": {"a" * 64: 1}}, "is not 1 to 63 lower-case"),
        ({"aliases": {"": 1}}, "is not 1 to 63 lower-case"),
        ({"labels": {Label.VARIANT_B: 2}}, "there is variant-b but no stable version"),
        ({"labels": {**STABLE, Label.VARIANT_B: 2, Label.CANARY: 2}}, "a canary and variant-b; a model has one of the two"),
        ({"split": Split.among({Track.VARIANT_C: 0.1})}, "variant-c has 10 % of the traffic but no label"),
    ],
)
def test_a_state_that_contradicts_itself_is_refused(changes, fault):
    with pytest.raises(InvalidState, match=fault):
        DesiredState("m", **{"versions": (1, 2), "labels": STABLE, **changes})


def test_versions_are_sorted_and_unique_and_labels_may_be_plain_strings():
    state = DesiredState("m", versions=(3, 1, 3), labels={"stable": 1, "previous": 3})  # type: ignore[dict-item]
    assert state.versions == (1, 3)
    assert (state.stable, state.canary, state.previous) == (1, None, 3)


def test_a_desired_state_comes_back_from_json_as_it_was():
    state = DesiredState(
        "m",
        4,
        (1, 2),
        {Label.STABLE: 1, Label.CANARY: 2},
        Split.of(0.05),
        "shared",
        mirror=100,
        sticky=Sticky("x-user", "salt"),
        cause=Cause("ann", "a try", 12.5, "r1"),
        pinned=(2,),
        aliases={"champion": 1, "2026.best": 2},
    )
    assert DesiredState.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert state.names == {"stable": 1, "canary": 2, "champion": 1, "2026.best": 2}


def test_variants_come_back_from_json_with_their_shares():
    labels = {Label.STABLE: 1, Label.VARIANT_B: 2, Label.VARIANT_C: 2}
    state = DesiredState("m", 4, (1, 2), labels, Split.among({Track.VARIANT_B: 0.25}))
    assert DesiredState.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert state.variants == {Track.VARIANT_B: 2, Track.VARIANT_C: 2}


def test_a_desired_state_of_before_there_were_pins_and_aliases_is_read():
    older = DesiredState("m", 4, (1,), STABLE).to_json()
    del older["pinned"], older["aliases"]
    assert DesiredState.from_json(older) == DesiredState("m", 4, (1,), STABLE)


def test_a_desired_state_of_an_unknown_schema_is_refused():
    with pytest.raises(ValueError, match="schema 99"):
        DesiredState.from_json({**DesiredState("m").to_json(), "schema": 99})


def test_an_observed_state_comes_back_from_json_as_it_was():
    server = ServerObservation(
        "m",
        True,
        12,
        8500,
        8501,
        1,
        (1, 2),
        {Label.STABLE: 1, "champion": 2},
        {1: VersionState.AVAILABLE, 2: VersionState.END},
        {Label.STABLE: 1, "champion": 2},
        {2: "no SavedModel"},
    )
    routes = {Track.STABLE: Route("m", Label.STABLE)}
    state = ObservedState("m", 4, (server,), Split(), routes, 10.0, "127.0.0.1:80", "waits", "a fault", 11.0)
    assert ObservedState.from_json(json.loads(json.dumps(state.to_json()))) == state
    assert ObservedState.from_json(json.loads(json.dumps(ObservedState("m").to_json()))) == ObservedState("m")


def test_a_version_answers_only_on_a_ready_server():
    down = ServerObservation("m", ready=False, versions={1: VersionState.AVAILABLE})
    assert not down.available(1)
    assert ServerObservation("m", ready=True, versions={1: VersionState.AVAILABLE}).available(1)
