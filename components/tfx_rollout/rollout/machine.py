"""The rollout's state machine: one table, and no transition outside it. Pure.

    The way up
        QUEUED ─turn─► SUBMITTED ─begin─► LOADING ─ready─► RUNNING ─passed─► HOLDING ─promote─► PROMOTING ─applied─► PROMOTED
                           │                               │  ▲                ▲  │                 ▲
                           │               advance, skip: ─┘  └─ next stage    │  └deadline_promote─┤
                           └──begin_first──► GOING_LIVE ────────passed─────────┘                    │
                                                 └──────────passed_at_once (RUNNING too)────────────┘
    Interruptions, in which traffic stays as it is and is watched
        RUNNING, HOLDING ──ask────► AWAITING_APPROVAL ──┬─ resume ─► RUNNING, as it was    resume_hold ─► HOLDING, as it was
        RUNNING, HOLDING ──pause──► PAUSED ─────────────┤
                                                        └─ skip ─► RUNNING, next stage     promote ─► PROMOTING
        AWAITING_APPROVAL ── advance ─► RUNNING, next stage     passed ─► HOLDING     passed_at_once ─► PROMOTING
        RUNNING ── promote ─► PROMOTING
    The way back
        RUNNING, AWAITING_APPROVAL, PAUSED, HOLDING ──step_back──► STEPPING_BACK ─┐ ▲ step_back: the next lower share
                                                                        │         └─┘
                                                         stepped_back, unservable, stop
                                                                        ▼
        any that has asked for a state ──stop, unservable,──────► ROLLING_BACK ──applied──► ROLLED_BACK
                             regressed, inconclusive, deadline_rollback
        QUEUED, SUBMITTED ──stop──► ROLLED_BACK                  (nothing was changed yet)
        SUBMITTED ──impossible──► FAILED                         any that has asked for a state ──overruled──► FAILED

A first version, where nothing is live that it could be compared with, gets all traffic as
soon as it is loaded; it then holds like any other until it is promoted (which changes nothing
any more), rolled back (nothing is live again) or the plan's deadline. With `promotion: automatic`
it is promoted at once.

An approval leads on to the next stage where a stage was over, and back into the stage (`resume`)
where a question about the candidate had interrupted it. Another question may come while it is awaited (`ask`).

Every transition has at most one effect: the desired state that is to be written next.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tfx_rollout.rollout.state import FINISHED, Phase


class Event(str, Enum):
    """What can happen to a rollout."""

    TURN = "turn"
    """The rollout before it has ended."""
    BEGIN = "begin"
    BEGIN_FIRST = "begin_first"
    """Nothing is live."""
    IMPOSSIBLE = "impossible"
    """The version is gone or live already."""
    READY = "ready"
    """The candidate is AVAILABLE, labelled, and the gateway knows its track."""
    UNSERVABLE = "unservable"
    """The candidate does not load, or its server dies again and again."""
    ADVANCE = "advance"
    SKIP = "skip"
    """An order to go to the next stage without evidence for the present one."""
    ASK = "ask"
    """A person is to decide: the stage has passed and needs an approval, is inconclusive, or the judge asks."""
    PAUSE = "pause"
    RESUME = "resume"
    """Back into the stage that was interrupted."""
    RESUME_HOLD = "resume_hold"
    """Back to holding, which was interrupted."""
    PASSED = "passed"
    """The last stage has passed; the share is held."""
    PASSED_AT_ONCE = "passed_at_once"
    """The last stage has passed, and the plan promotes by itself."""
    REGRESSED = "regressed"
    """The judge's verdict is rollback."""
    INCONCLUSIVE = "inconclusive"
    """The time is over, and the plan rolls back then."""
    STOP = "stop"
    """An order to abort, to roll back or to make way."""
    STEP_BACK = "step_back"
    """One of those that end a rollout, where the plan lets stable warm up; then each lower share in turn."""
    STEPPED_BACK = "stepped_back"
    """The last of these shares has had its time."""
    PROMOTE = "promote"
    """An order to promote."""
    DEADLINE_PROMOTE = "deadline_promote"
    DEADLINE_ROLLBACK = "deadline_rollback"
    APPLIED = "applied"
    """The wanted desired state is in force."""
    OVERRULED = "overruled"
    """Somebody else has changed the desired state."""

    def __str__(self) -> str:
        return self.value


class Effect(str, Enum):
    """The desired state to write (see `desired_states`)."""

    NOTHING = "nothing"
    LOAD = "load"
    """The candidate at 0 %."""
    GO_LIVE = "go_live"
    NEXT_STAGE = "next_stage"
    """The candidate at the share of the next stage."""
    STEP_BACK = "step_back"
    """The candidate at the next lower share of the plan's way back."""
    PROMOTE = "promote"
    RESTORE = "restore"
    """What was before."""


@dataclass(frozen=True)
class Transition:
    """Where an event leads, and what is to be desired then."""

    phase: Phase
    effect: Effect = Effect.NOTHING


_BACK = Transition(Phase.ROLLING_BACK, Effect.RESTORE)
_DOWN = Transition(Phase.STEPPING_BACK, Effect.STEP_BACK)
_NEXT = Transition(Phase.RUNNING, Effect.NEXT_STAGE)
_PROMOTE = Transition(Phase.PROMOTING, Effect.PROMOTE)
_HOLD = Transition(Phase.HOLDING)
_OVER = Transition(Phase.FAILED)

TABLE: dict[tuple[Phase, Event], Transition] = {
    (Phase.QUEUED, Event.TURN): Transition(Phase.SUBMITTED),
    (Phase.QUEUED, Event.STOP): Transition(Phase.ROLLED_BACK),
    (Phase.SUBMITTED, Event.BEGIN): Transition(Phase.LOADING, Effect.LOAD),
    (Phase.SUBMITTED, Event.BEGIN_FIRST): Transition(Phase.GOING_LIVE, Effect.GO_LIVE),
    (Phase.SUBMITTED, Event.IMPOSSIBLE): _OVER,
    (Phase.SUBMITTED, Event.STOP): Transition(Phase.ROLLED_BACK),
    (Phase.LOADING, Event.READY): _NEXT,
    (Phase.LOADING, Event.UNSERVABLE): _BACK,
    (Phase.LOADING, Event.STOP): _BACK,
    (Phase.LOADING, Event.OVERRULED): _OVER,
    (Phase.GOING_LIVE, Event.PASSED): _HOLD,
    (Phase.GOING_LIVE, Event.PASSED_AT_ONCE): _PROMOTE,
    (Phase.GOING_LIVE, Event.UNSERVABLE): _BACK,
    (Phase.GOING_LIVE, Event.STOP): _BACK,
    (Phase.GOING_LIVE, Event.OVERRULED): _OVER,
    (Phase.RUNNING, Event.ADVANCE): _NEXT,
    (Phase.RUNNING, Event.SKIP): _NEXT,
    (Phase.RUNNING, Event.ASK): Transition(Phase.AWAITING_APPROVAL),
    (Phase.RUNNING, Event.PAUSE): Transition(Phase.PAUSED),
    (Phase.RUNNING, Event.PASSED): _HOLD,
    (Phase.RUNNING, Event.PASSED_AT_ONCE): _PROMOTE,
    (Phase.RUNNING, Event.PROMOTE): _PROMOTE,
    (Phase.RUNNING, Event.REGRESSED): _BACK,
    (Phase.RUNNING, Event.INCONCLUSIVE): _BACK,
    (Phase.RUNNING, Event.UNSERVABLE): _BACK,
    (Phase.RUNNING, Event.STOP): _BACK,
    (Phase.RUNNING, Event.STEP_BACK): _DOWN,
    (Phase.RUNNING, Event.OVERRULED): _OVER,
    (Phase.AWAITING_APPROVAL, Event.ADVANCE): _NEXT,
    (Phase.AWAITING_APPROVAL, Event.SKIP): _NEXT,
    (Phase.AWAITING_APPROVAL, Event.ASK): Transition(Phase.AWAITING_APPROVAL),
    (Phase.AWAITING_APPROVAL, Event.RESUME): Transition(Phase.RUNNING),
    (Phase.AWAITING_APPROVAL, Event.RESUME_HOLD): _HOLD,
    (Phase.AWAITING_APPROVAL, Event.PASSED): _HOLD,
    (Phase.AWAITING_APPROVAL, Event.PASSED_AT_ONCE): _PROMOTE,
    (Phase.AWAITING_APPROVAL, Event.PROMOTE): _PROMOTE,
    (Phase.AWAITING_APPROVAL, Event.REGRESSED): _BACK,
    (Phase.AWAITING_APPROVAL, Event.UNSERVABLE): _BACK,
    (Phase.AWAITING_APPROVAL, Event.STOP): _BACK,
    (Phase.AWAITING_APPROVAL, Event.STEP_BACK): _DOWN,
    (Phase.AWAITING_APPROVAL, Event.OVERRULED): _OVER,
    (Phase.PAUSED, Event.RESUME): Transition(Phase.RUNNING),
    (Phase.PAUSED, Event.RESUME_HOLD): _HOLD,
    (Phase.PAUSED, Event.SKIP): _NEXT,
    (Phase.PAUSED, Event.PROMOTE): _PROMOTE,
    (Phase.PAUSED, Event.REGRESSED): _BACK,
    (Phase.PAUSED, Event.UNSERVABLE): _BACK,
    (Phase.PAUSED, Event.STOP): _BACK,
    (Phase.PAUSED, Event.STEP_BACK): _DOWN,
    (Phase.PAUSED, Event.OVERRULED): _OVER,
    (Phase.HOLDING, Event.ASK): Transition(Phase.AWAITING_APPROVAL),
    (Phase.HOLDING, Event.PAUSE): Transition(Phase.PAUSED),
    (Phase.HOLDING, Event.PROMOTE): _PROMOTE,
    (Phase.HOLDING, Event.DEADLINE_PROMOTE): _PROMOTE,
    (Phase.HOLDING, Event.DEADLINE_ROLLBACK): _BACK,
    (Phase.HOLDING, Event.REGRESSED): _BACK,
    (Phase.HOLDING, Event.UNSERVABLE): _BACK,
    (Phase.HOLDING, Event.STOP): _BACK,
    (Phase.HOLDING, Event.STEP_BACK): _DOWN,
    (Phase.HOLDING, Event.OVERRULED): _OVER,
    (Phase.PROMOTING, Event.APPLIED): Transition(Phase.PROMOTED),
    (Phase.PROMOTING, Event.UNSERVABLE): _BACK,
    (Phase.PROMOTING, Event.STOP): _BACK,
    (Phase.PROMOTING, Event.OVERRULED): _OVER,
    (Phase.STEPPING_BACK, Event.STEP_BACK): _DOWN,
    (Phase.STEPPING_BACK, Event.STEPPED_BACK): _BACK,
    (Phase.STEPPING_BACK, Event.UNSERVABLE): _BACK,
    (Phase.STEPPING_BACK, Event.STOP): _BACK,
    (Phase.STEPPING_BACK, Event.OVERRULED): _OVER,
    (Phase.ROLLING_BACK, Event.APPLIED): Transition(Phase.ROLLED_BACK),
    (Phase.ROLLING_BACK, Event.OVERRULED): _OVER,
}

APPROVALS = (Event.ADVANCE, Event.PASSED, Event.PASSED_AT_ONCE, Event.RESUME, Event.RESUME_HOLD)
"""What a person's approval of what was asked may lead to."""


class ImpossibleTransition(AssertionError):
    """An event in a phase that the table does not know: a fault of the program, not of its user."""

    def __init__(self, phase: Phase, event: Event) -> None:
        super().__init__(f"event {event} cannot happen in phase {phase}")


def transition(phase: Phase, event: Event) -> Transition:
    """What follows from an event. Raises `ImpossibleTransition` for what is not in the table."""
    try:
        return TABLE[phase, event]
    except KeyError:
        raise ImpossibleTransition(phase, event) from None


def possible(phase: Phase, event: Event) -> bool:
    """Whether the table knows this event in this phase."""
    return (phase, event) in TABLE


assert not any(phase in FINISHED for phase, _ in TABLE), "what has finished stays finished"
