"""What the demo concludes from recorded answers, on a history made by hand."""

from __future__ import annotations

from typing import Any

from taxi.demo.findings import judge_answers
from tfx_rollout.traffic import DesiredState, Label, Split

HARMFUL = 3


def desired(generation: int, at: float, labels: dict[Label, int], canary: int = 0) -> dict[str, Any]:
    state = DesiredState("taxi", generation, tuple(labels.values()), labels, Split(canary))
    return {**state.to_json(), "event": "desired", "at": at}


def applied(generation: int, at: float) -> dict[str, Any]:
    return {"event": "applied", "at": at, "generation": generation}


HISTORY = [
    desired(1, 0.0, {Label.STABLE: 2}),
    applied(1, 1.0),
    desired(2, 10.0, {Label.STABLE: 2, Label.CANARY: HARMFUL}, 1000),
    applied(2, 11.0),
    desired(3, 20.0, {Label.STABLE: 2}),
    applied(3, 21.0),
]


def answer(at: float, track: str | None, version: int | None, code: str = "OK") -> dict[str, Any]:
    return {"at": at, "latency_ms": 5.0, "track": track, "version": version, "code": code}


def test_good_answers_by_allowed_versions_leave_nothing_to_say() -> None:
    found = judge_answers([answer(5, "stable", 2), answer(15, "canary", 3), answer(15, "stable", None)], HISTORY, HARMFUL)
    assert (found.requests, found.attributed, found.harmed) == (3, 2, 0)
    assert not found.unexplained
    assert not found.inconsistent


def test_a_failure_of_the_harmful_canary_counts_as_harm() -> None:
    found = judge_answers([answer(15, "canary", None, "INVALID_ARGUMENT")], HISTORY, HARMFUL)
    assert found.harmed == 1
    assert not found.unexplained


def test_a_failure_on_the_stable_track_is_unexplained() -> None:
    found = judge_answers([answer(15, "stable", None, "UNAVAILABLE")], HISTORY, HARMFUL)
    assert found.harmed == 0
    assert len(found.unexplained) == 1


def test_a_request_that_never_reached_a_track_is_unexplained() -> None:
    assert len(judge_answers([answer(15, None, None, "UNAVAILABLE")], HISTORY, HARMFUL).unexplained) == 1


def test_an_answer_of_the_canary_before_it_was_asked_for_is_inconsistent() -> None:
    assert len(judge_answers([answer(5, "canary", 3)], HISTORY, HARMFUL).inconsistent) == 1


def test_an_answer_of_the_candidate_on_the_stable_track_is_inconsistent() -> None:
    assert len(judge_answers([answer(15, "stable", 3)], HISTORY, HARMFUL).inconsistent) == 1


def test_only_requests_sent_while_the_harmful_version_was_the_canary_are_exposed() -> None:
    found = judge_answers([answer(t, "stable", 2) for t in (5.0, 15.0, 16.0, 30.0)], HISTORY, HARMFUL)
    assert found.exposed == 2
