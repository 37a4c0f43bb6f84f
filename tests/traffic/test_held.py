"""Who moves traffic and who changes what is held are both in the right, in whatever order they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.control.local import changes
from tfx_rollout.errors import Conflict, NotFound
from tfx_rollout.rollout import desired_states
from tfx_rollout.traffic import Cause, DesiredState, Label, Split, arranged, rebased, same_traffic, with_held_changes

CAUSE = Cause("controller", "a stage", 2.0, "r")
PEOPLE = Cause("ben", "to compare", 3.0)
CANDIDATE = 9
BEFORE = DesiredState("m", 3, (1, 2), {Label.STABLE: 2, Label.PREVIOUS: 1})
CANARY = desired_states.canary_at(BEFORE, CANDIDATE, Split.of(0.1), CAUSE).change(generation=4)

versions = st.integers(1, 10)
names = st.sampled_from(["eu", "us", "test.a"])
people_do = st.lists(
    st.one_of(
        st.tuples(st.just(changes.load), versions),
        st.tuples(st.just(changes.unload), versions),
        st.tuples(st.just(changes.pin), versions),
        st.tuples(st.just(changes.unpin), versions),
        st.tuples(st.just(changes.name), names, versions),
        st.tuples(st.just(changes.unname), names),
    ),
    max_size=8,
)
moves = st.sampled_from(
    [
        lambda before: desired_states.canary_at(before, CANDIDATE, Split.of(0.1), CAUSE),
        lambda before: desired_states.canary_at(before, CANDIDATE, Split.of(0.5), CAUSE, mirror=100),
        lambda before: desired_states.rolled_back(before, CAUSE),
        lambda before: desired_states.promoted(before, CANDIDATE, keep_previous=True, cause=CAUSE),
        lambda before: desired_states.promoted(before, CANDIDATE, keep_previous=False, cause=CAUSE),
    ]
)


@st.composite
def befores(draw: st.DrawFn) -> DesiredState:
    """Any state that a rollout of the candidate begins with: the candidate may be held by then."""
    labels = {Label.STABLE: draw(st.integers(1, 8))}
    if draw(st.booleans()):
        labels[Label.PREVIOUS] = draw(versions)
    state = DesiredState("m", 3, tuple(labels.values()), labels, topology=draw(st.sampled_from(["dedicated", "shared"])))
    return arranged(
        state,
        loaded=draw(st.sets(versions, max_size=3)),
        pinned=draw(st.sets(versions, max_size=2)),
        aliases=draw(st.dictionaries(names, versions, max_size=2)),
    )


def done_by_people(state: DesiredState, acts: list[tuple]) -> DesiredState:
    """What is found when they have done all this, one generation after the other."""
    for act, *arguments in acts:
        try:
            now = act(state, *arguments)
        except (Conflict, NotFound):
            continue
        if changes.differ(now, state):
            state = now.change(generation=state.generation + 1, cause=PEOPLE)
    return state


def traffic_of(state: DesiredState) -> tuple:
    return state.labels, state.split, state.mirror, state.topology, state.sticky


@given(befores(), moves, moves, people_do)
def test_what_was_not_written_is_wanted_after_what_people_wrote_with_its_traffic_and_what_they_hold(before, now, then, acts):
    since = now(before).change(generation=4)
    wanted, found = then(before).change(generation=5), done_by_people(since, acts)
    result = rebased(wanted, since, found)
    assert result is not None
    if since == wanted:
        assert result == found
        return
    assert traffic_of(result) == traffic_of(wanted)
    assert (result.generation, result.cause) == (found.generation + 1, wanted.cause)
    assert (result.pinned, result.aliases) == (found.pinned, found.aliases)
    assert result.loaded >= (found.loaded - since.loaded) - set(result.labels.values())
    # Nothing is held but by those who asked for it: the traffic, or people.
    assert set(result.versions) <= set(wanted.versions) | set(found.versions)
    let_go = (since.loaded - found.loaded) - set(result.labels.values()) - result.kept
    assert not let_go & set(result.versions)


@given(befores(), moves, moves)
def test_without_a_change_by_people_nothing_is_wanted_but_what_was_wanted(before, now, then):
    since, wanted = now(before).change(generation=4), then(before).change(generation=5)
    assert with_held_changes(wanted, since, since) == wanted
    assert with_held_changes(before, since, since) == before


@given(befores(), moves, people_do)
def test_what_was_written_is_found_with_all_that_people_did_after_it(before, now, acts):
    wanted = now(before).change(generation=4)
    assert rebased(wanted, wanted, done_by_people(wanted, acts)) == done_by_people(wanted, acts)


@given(befores(), moves, moves, people_do)
def test_what_a_rollout_asks_for_next_is_what_it_would_ask_for_had_people_come_before_it(before, now, then, acts):
    since = now(before).change(generation=4)
    found = done_by_people(since, acts)
    anew = then(with_held_changes(before, since, found))
    result = with_held_changes(then(before), since, found)
    assert traffic_of(anew) == traffic_of(result)
    assert (anew.pinned, anew.aliases) == (result.pinned, result.aliases)
    # A promotion lets loaded versions go: those that were there when it was decided, not those that came after.
    assert set(anew.versions) <= set(result.versions)
    assert set(result.versions) - set(anew.versions) <= found.loaded - since.loaded


@given(befores(), moves, people_do, st.sampled_from(["labels", "split", "topology", "mirror"]))
def test_who_moves_traffic_is_never_gone_on_over(before, now, acts, what):
    since = now(before).change(generation=4)
    found = done_by_people(since, acts)
    labels = {
        Label.STABLE: found.labels[Label.STABLE] % 8 + 1,
        **{label: v for label, v in found.labels.items() if label != Label.STABLE},
    }
    moved = {
        "labels": found.change(versions=(*found.versions, labels[Label.STABLE]), labels=labels),
        "split": found.change(
            labels={**found.labels, Label.CANARY: CANDIDATE}, versions=(*found.versions, CANDIDATE), split=Split(77)
        ),
        "topology": found.change(topology="shared" if found.topology == "dedicated" else "dedicated"),
        "mirror": found.change(mirror=found.mirror + 1),
    }[what]
    assert not same_traffic(moved, since)
    assert rebased(since.change(split=Split()), since, moved) is None


def test_the_candidate_is_held_after_the_rollout_only_for_who_still_wants_it():
    pinned = changes.pin(CANARY, CANDIDATE)
    back = with_held_changes(BEFORE, CANARY, pinned)
    assert (back.versions, back.pinned) == ((1, 2, CANDIDATE), (CANDIDATE,))
    unpinned = with_held_changes(back, pinned, changes.unpin(pinned, CANDIDATE))
    assert unpinned == BEFORE
    named = with_held_changes(BEFORE, CANARY, changes.name(CANARY, "next", CANDIDATE))
    assert named == BEFORE.change(versions=(1, 2, CANDIDATE), aliases={"next": CANDIDATE})
    loaded_before = BEFORE.change(versions=(1, 2, CANDIDATE))
    assert with_held_changes(loaded_before, CANARY, changes.load(CANARY, 5)) == BEFORE.change(versions=(1, 2, 5, CANDIDATE))


def test_a_version_that_a_promotion_lets_go_stays_gone_unless_it_is_pinned_meanwhile():
    since = changes.load(CANARY, 5)
    wanted = desired_states.promoted(changes.load(BEFORE, 5), CANDIDATE, keep_previous=True, cause=CAUSE)
    assert with_held_changes(wanted, since, changes.load(since, 6)).versions == (2, 6, CANDIDATE)
    assert with_held_changes(wanted, since, changes.pin(since, 5)).versions == (2, 5, CANDIDATE)
