"""The table is the machine: nothing happens outside it, and nothing gets stuck in it."""

from __future__ import annotations

import itertools

import pytest

from tfx_rollout.rollout import TABLE, Effect, Event, ImpossibleTransition, Phase, machine, transition
from tfx_rollout.rollout.state import FINISHED, WATCHED

EVERYTHING = list(itertools.product(Phase, Event))


@pytest.mark.parametrize(("phase", "event"), [pair for pair in EVERYTHING if pair not in TABLE])
def test_what_is_not_in_the_table_cannot_happen(phase, event):
    with pytest.raises(ImpossibleTransition, match=f"event {event} cannot happen in phase {phase}"):
        transition(phase, event)


@pytest.mark.parametrize(("phase", "event"), list(TABLE))
def test_every_transition_of_the_table_leads_to_a_phase_with_the_effect_that_belongs_to_it(phase, event):
    move = transition(phase, event)
    belonging = {
        Phase.SUBMITTED: {Effect.NOTHING},
        Phase.LOADING: {Effect.LOAD},
        Phase.GOING_LIVE: {Effect.GO_LIVE},
        Phase.RUNNING: {Effect.NOTHING} if event is Event.RESUME else {Effect.NEXT_STAGE},
        Phase.AWAITING_APPROVAL: {Effect.NOTHING},
        Phase.PAUSED: {Effect.NOTHING},
        Phase.HOLDING: {Effect.NOTHING},
        Phase.PROMOTING: {Effect.PROMOTE},
        Phase.STEPPING_BACK: {Effect.STEP_BACK},
        Phase.ROLLING_BACK: {Effect.RESTORE},
        Phase.PROMOTED: {Effect.NOTHING},
        Phase.ROLLED_BACK: {Effect.NOTHING},
        Phase.FAILED: {Effect.NOTHING},
    }
    assert move.effect in belonging[move.phase]


def reachable(start: Phase) -> set[Phase]:
    found, frontier = {start}, [start]
    while frontier:
        phase = frontier.pop()
        new = {move.phase for (source, _), move in TABLE.items() if source is phase} - found
        found |= new
        frontier += new
    return found


def test_every_phase_can_be_reached_and_can_end():
    assert reachable(Phase.QUEUED) == set(Phase)
    for phase in Phase:
        assert reachable(phase) & FINISHED


def test_what_is_finished_stays_finished():
    assert not [phase for phase, _ in TABLE if phase in FINISHED]


def test_every_unfinished_phase_but_the_way_back_can_be_stopped():
    assert {phase for phase in Phase if (phase, Event.STOP) not in TABLE} == {Phase.ROLLING_BACK, *FINISHED}


def test_a_regression_ends_a_rollout_wherever_windows_are_judged():
    for phase in WATCHED:
        assert transition(phase, Event.REGRESSED) == machine.Transition(Phase.ROLLING_BACK, Effect.RESTORE)


def test_the_drawing_names_every_phase_and_event():
    drawing = machine.__doc__ or ""
    assert [phase for phase in Phase if phase.name not in drawing] == []
    assert [event for event in Event if str(event) not in drawing] == []
