"""Splits, desired and observed states: values that cannot contradict themselves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.errors import InvalidInput, InvalidState
from tfx_rollout.traffic import (
    FULL,
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
)


@given(st.floats(0, 1))
def test_shares_add_up_and_round_to_a_hundredth_of_a_percent(share):
    split = Split.of(share)
    assert split.units(Track.STABLE) + split.units(Track.CANARY) == FULL
    assert split.share(Track.CANARY) == pytest.approx(share, abs=0.00005001)
    assert Split.from_json(json.loads(json.dumps(split.to_json()))) == split


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
    )
    assert DesiredState.from_json(json.loads(json.dumps(state.to_json()))) == state


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
        {Label.STABLE: 1},
        {1: VersionState.AVAILABLE, 2: VersionState.END},
        {Label.STABLE: 1},
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
