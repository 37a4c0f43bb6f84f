"""The states a rollout asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.rollout import desired_states as states
from tfx_rollout.rollout import plan_from_dict
from tfx_rollout.traffic import Cause, DesiredState, Label, Split, Sticky

CAUSE = Cause("ann", "a reason", 1.0, "r")
BEFORE = DesiredState("m", 3, (1, 2), {Label.STABLE: 2, Label.PREVIOUS: 1})


def test_the_candidate_joins_what_was_there():
    state = states.canary_at(BEFORE, 3, Split.of(0.05), CAUSE)
    assert state.versions == (1, 2, 3)
    assert state.labels == {Label.STABLE: 2, Label.PREVIOUS: 1, Label.CANARY: 3}
    assert state.split == Split.of(0.05)
    assert state.cause == CAUSE


def test_a_stage_has_its_share_or_its_copies_and_the_assignment_of_its_rollout():
    plan = plan_from_dict({"stages": [{"kind": "shadow", "mirror": 0.3}, {"kind": "header"}, {"share": 0.2}, {"kind": "bake"}]})
    sticky = Sticky("x-user", "r")
    found = [states.in_stage(BEFORE, 3, stage, CAUSE, sticky=sticky) for stage in plan.stages]
    assert [(state.split.canary, state.mirror) for state in found] == [(0, 3000), (0, 0), (2000, 0), (9500, 0)]
    assert {(state.sticky, state.labels[Label.CANARY]) for state in found} == {(sticky, 3)}


def test_users_are_assigned_anew_in_each_rollout_and_requests_not_at_all():
    by_user = plan_from_dict({"stages": [{"share": 0.2}], "unit": "user", "unit_header": "x-user"})
    assert states.assignment(by_user, "one") == Sticky("x-user", "one") != states.assignment(by_user, "two")
    assert states.assignment(plan_from_dict({"stages": [{"share": 0.2}]}), "one") is None
    assert states.rolled_back(BEFORE.change(sticky=Sticky("x-old", "s")), CAUSE).sticky == Sticky("x-old", "s")


def test_the_way_back_goes_on_at_the_next_lower_share():
    plan = plan_from_dict({"stages": [{"share": 0.9}], "step_back": {"shares": [0.5, 0.2, 0.05]}})
    steps = [states.next_step_back(plan, Split.of(share)) for share in (0.9, 0.5, 0.3, 0.05, 0.0)]
    assert steps == [Split(5000), Split(2000), Split(2000), None, None]


@pytest.mark.parametrize(("keep", "versions"), [(True, (2, 3)), (False, (3,))])
def test_promotion_keeps_only_the_version_before_it_and_only_if_wanted(keep, versions):
    state = states.promoted(BEFORE, 3, keep_previous=keep, cause=CAUSE)
    assert (state.stable, state.previous, state.canary) == (3, 2 if keep else None, None)
    assert state.versions == versions
    assert state.split == Split()


def test_a_first_release_has_nothing_before_it():
    state = states.first_release(DesiredState("m"), 1, CAUSE)
    assert (state.versions, state.labels) == ((1,), {Label.STABLE: 1})
    assert states.promoted(DesiredState("m"), 1, keep_previous=True, cause=CAUSE) == state


@given(st.sampled_from(["dedicated", "shared"]), st.booleans())
def test_a_rollback_returns_to_exactly_what_was_before(topology, has_previous):
    labels = {Label.STABLE: 2} | ({Label.PREVIOUS: 1} if has_previous else {})
    before = DesiredState("m", 7, tuple(labels.values()), labels, topology=topology, cause=CAUSE)
    assert states.rolled_back(before, CAUSE) == before


def test_a_canary_that_somebody_left_is_not_brought_back():
    left = states.canary_at(BEFORE, 3, Split.of(0.05), CAUSE)
    assert states.rolled_back(left, BEFORE.cause) == BEFORE
    assert states.canary_at(left, 4, Split(), CAUSE).versions == (1, 2, 4)


def test_a_canary_that_is_the_previous_version_too_stays_loaded_when_the_rollout_ends():
    state = states.canary_at(BEFORE, 1, Split.of(0.05), CAUSE)
    assert states.rolled_back(state, BEFORE.cause) == BEFORE


def test_the_return_to_previous_exchanges_the_two_and_can_be_taken_back():
    returned = states.returned_to_previous(BEFORE, CAUSE)
    assert returned is not None
    assert (returned.stable, returned.previous, returned.versions) == (1, 2, (1, 2))
    again = states.returned_to_previous(returned, BEFORE.cause)
    assert again == BEFORE


def test_without_a_previous_version_there_is_no_return():
    assert states.returned_to_previous(DesiredState("m", 1, (1,), {Label.STABLE: 1}), CAUSE) is None


KEPT = BEFORE.change(versions=(1, 2, 4, 5, 6), pinned=(4,), aliases={"eu": 5})
"""Version 4 is pinned, version 5 has a name of the operator's, and version 6 is only loaded."""


@given(st.sampled_from([3, 4, 5, 1]), st.sampled_from(["dedicated", "shared"]), st.booleans())
def test_pinned_versions_and_aliases_are_in_every_state_of_a_rollout(candidate, topology, keep_previous):
    before = KEPT.change(topology=topology)
    canary = states.canary_at(before, candidate, Split.of(0.1), CAUSE, mirror=100)
    promoted = states.promoted(before, candidate, keep_previous=keep_previous, cause=CAUSE)
    returned = states.returned_to_previous(before, CAUSE)
    live = states.first_release(DesiredState("m", versions=(4, 5), pinned=(4,), aliases={"eu": 5}), candidate, CAUSE)
    assert returned is not None
    for state in (canary, states.without_canary(canary), promoted, returned, states.rolled_back(canary, CAUSE), live):
        assert (state.pinned, state.aliases) == ((4,), {"eu": 5})
        assert {4, 5} <= set(state.versions)
    assert set(promoted.versions) == {candidate, 4, 5, *([2] if keep_previous else [])}


def test_a_version_that_is_only_loaded_stays_through_a_rollout_and_goes_with_a_promotion():
    canary = states.canary_at(KEPT, 3, Split(), CAUSE)
    assert 6 in canary.versions
    assert states.rolled_back(KEPT, CAUSE) == KEPT.change(cause=CAUSE)
    assert 6 not in states.promoted(KEPT, 3, keep_previous=True, cause=CAUSE).versions
