"""Which versions may answer: while a generation is being applied, the old and the new one."""

from __future__ import annotations

from tfx_rollout.traffic import DesiredState, Label, Split, Track, allowed_versions


def desired(at, generation, stable, canary=None):
    labels = {Label.STABLE: stable} | ({} if canary is None else {Label.CANARY: canary})
    state = DesiredState("m", generation, tuple(labels.values()), labels, Split(0 if canary is None else 500))
    return {"event": "desired", "at": at, **state.to_json()}


HISTORY = [
    desired(0.0, 1, 1),
    {"event": "applied", "at": 5.0, "generation": 1},
    desired(10.0, 2, 1, 2),
    {"event": "applied", "at": 15.0, "generation": 2},
    desired(20.0, 3, 2),
    {"event": "applied", "at": 25.0, "generation": 3},
]


def test_between_two_changes_only_the_applied_state_counts():
    assert allowed_versions(HISTORY, Track.STABLE, 17.0) == {1}
    assert allowed_versions(HISTORY, Track.CANARY, 17.0) == {2}
    assert allowed_versions(HISTORY, Track.STABLE, 26.0) == {2}
    assert allowed_versions(HISTORY, Track.CANARY, 26.0) == set()


def test_while_a_state_is_being_applied_the_one_before_counts_too():
    assert allowed_versions(HISTORY, Track.STABLE, 22.0) == {1, 2}
    assert allowed_versions(HISTORY, Track.CANARY, 22.0) == {2}


def test_a_request_that_was_answered_after_a_change_may_have_seen_it():
    assert allowed_versions(HISTORY, Track.STABLE, 19.0) == {1}
    assert allowed_versions(HISTORY, Track.STABLE, 19.0, until=21.0) == {1, 2}


def test_a_generation_that_was_never_applied_counts_until_a_later_one_is():
    history = [*HISTORY[:5], desired(21.0, 4, 1), {"event": "applied", "at": 25.0, "generation": 4}]
    assert allowed_versions(history, Track.STABLE, 22.0) == {1, 2}
    assert allowed_versions(history, Track.STABLE, 25.0) == {1}


def test_a_pinned_request_may_be_answered_by_any_version_that_was_held():
    assert allowed_versions(HISTORY, Track.PINNED, 17.0) == {1, 2}


def test_nothing_may_answer_before_anything_was_asked_for():
    assert allowed_versions([], Track.STABLE, 1.0) == set()
