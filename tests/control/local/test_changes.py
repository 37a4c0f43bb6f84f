"""What people's changes make of a desired state: names and pins hold what they need, and nothing else moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.control.local import changes
from tfx_rollout.errors import Conflict, InvalidState, NotFound
from tfx_rollout.traffic import Cause, DesiredState, Label

LIVE = DesiredState("taxi", 4, (1, 2, 3), {Label.STABLE: 2, Label.PREVIOUS: 1}, cause=Cause("ann", "because", 1.0))
"""Version 3 is only loaded."""

versions = st.integers(1, 9)
names = st.sampled_from(["eu", "us", "test.a"])


@st.composite
def states(draw: st.DrawFn) -> DesiredState:
    """Any state without a rollout: a live version, perhaps one before it, and what people hold beside."""
    labels = {Label.STABLE: draw(versions)} if draw(st.booleans()) else {}
    if labels and draw(st.booleans()):
        labels[Label.PREVIOUS] = draw(versions)
    pinned, aliases = draw(st.sets(versions, max_size=3)), draw(st.dictionaries(names, versions, max_size=3))
    held = {*labels.values(), *pinned, *aliases.values(), *draw(st.sets(versions, max_size=3))}
    return DesiredState("taxi", 7, tuple(held), labels, pinned=tuple(pinned), aliases=aliases)


steps = st.one_of(
    st.tuples(st.just(changes.load), versions),
    st.tuples(st.just(changes.unload), versions),
    st.tuples(st.just(changes.pin), versions),
    st.tuples(st.just(changes.unpin), versions),
    st.tuples(st.just(changes.name), names, versions),
    st.tuples(st.just(changes.unname), names),
)


@given(states(), st.lists(steps, max_size=12))
def test_no_change_moves_traffic_or_drops_what_a_name_needs(state, done):
    for act, *arguments in done:
        try:
            now = act(state, *arguments)
        except (Conflict, NotFound):
            continue
        assert (now.labels, now.split, now.mirror, now.topology, now.generation) == (
            (state.labels, state.split, state.mirror, state.topology, state.generation)
        )
        assert {*now.names.values(), *now.pinned} <= set(now.versions)
        # What is held without a name was held without one before, or was loaded just now.
        assert now.loaded <= state.loaded | set(arguments)
        state = now


@given(states(), versions)
def test_load_and_pin_can_be_taken_back_and_are_no_change_the_second_time(state, version):
    loaded, pinned = changes.load(state, version), changes.pin(state, version)
    assert version in loaded.versions
    assert version in pinned.versions
    assert not changes.differ(changes.load(loaded, version), loaded)
    assert not changes.differ(changes.pin(pinned, version), pinned)
    if version not in state.versions:
        assert changes.unload(loaded, version) == state
        assert changes.unpin(pinned, version) == state


def test_what_is_needed_stays_loaded_and_the_refusal_names_what_needs_it():
    state = changes.name(changes.pin(LIVE, 2), "eu", 2)
    with pytest.raises(Conflict, match="Version 2 of model 'taxi' is needed by label stable, alias eu, a pin and stays loaded"):
        changes.unload(state, 2)
    with pytest.raises(Conflict, match="needed by label previous, rollout 20261122T101500-v3 and stays loaded"):
        changes.unload(LIVE, 1, running="rollout 20261122T101500-v3")
    assert changes.unload(LIVE, 3).versions == (1, 2)


def test_a_version_whose_last_name_goes_is_let_go():
    named = changes.name(LIVE, "eu", 5)
    assert (named.versions, named.aliases) == ((1, 2, 3, 5), {"eu": 5})
    assert changes.name(named, "eu", 6).versions == (1, 2, 3, 6)
    assert changes.unname(named, "eu") == LIVE
    assert changes.unpin(changes.pin(named, 5), 5) == named


def test_a_name_of_the_program_is_no_alias_and_an_unknown_alias_is_not_found():
    with pytest.raises(InvalidState, match="label of this program"):
        changes.name(LIVE, "stable", 1)
    with pytest.raises(InvalidState, match="lower-case"):
        changes.name(LIVE, "Bad Name", 1)
    with pytest.raises(NotFound, match="There is no alias eu in model 'taxi'; known: none"):
        changes.unname(LIVE, "eu")


def test_the_way_back_exchanges_the_labels_and_needs_a_version_before():
    assert changes.back(LIVE).labels == {Label.STABLE: 1, Label.PREVIOUS: 2}
    with pytest.raises(Conflict, match="no previous version"):
        changes.back(DesiredState("taxi", 1, (1,), {Label.STABLE: 1}))


def test_two_states_that_only_somebody_else_asked_for_do_not_differ():
    assert not changes.differ(LIVE, LIVE.change(generation=9, cause=Cause("ben", "why not", 2.0)))
    assert changes.differ(LIVE, LIVE.change(topology="shared"))
