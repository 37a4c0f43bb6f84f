"""The A/B test's state machine: one table, and no transition outside it. Pure.

    SUBMITTED ─begin─► LOADING ─ready─► RUNNING ─hold─► HOLDING
        │                 │              │  ▲             │  ▲
        │                 │        drop: └──┘             └──┘ drop
        │                 └──restore──┐  │                │
        │                             ▼  ▼ restore, promote
        └─impossible, withdrawn─┐   ENDING ◄──────────────┘
                                ▼     │ applied
                                ENDED◄┘         any that has asked for a state ──overruled──► ENDED

Every transition has at most one effect: the desired state that is to be written next. What the test
came to (`ExperimentState.outcome`) is settled when it turns to HOLDING, ENDING or ENDED, and stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ExperimentPhase(str, Enum):
    """Where an A/B test is."""

    SUBMITTED = "submitted"
    """Accepted; nothing was changed yet."""
    LOADING = "loading"
    """The variants are loaded beside the live version, without traffic."""
    RUNNING = "running"
    """The split is in force, or on its way; windows are judged."""
    HOLDING = "holding"
    """It is decided, and the split stays until a person ends it. Harm is still watched for."""
    ENDING = "ending"
    """All traffic goes back to the live version, or to the variant that becomes it."""
    ENDED = "ended"

    def __str__(self) -> str:
        return self.value


class ExperimentEvent(str, Enum):
    """What can happen to an A/B test."""

    BEGIN = "begin"
    IMPOSSIBLE = "impossible"
    """Nothing is live, or a variant is gone or live itself."""
    WITHDRAWN = "withdrawn"
    """An order to stop, before anything was changed."""
    READY = "ready"
    """All variants are AVAILABLE, labelled, and the gateway knows their tracks."""
    DROP = "drop"
    """Some variants are worse, or do harm; their shares go back to the live version."""
    HOLD = "hold"
    """A variant is better, and the plan keeps the split."""
    RESTORE = "restore"
    """Back to the live version: by a decision, by the date, by an order, or because it cannot be served."""
    PROMOTE = "promote"
    """A variant becomes live: by a decision or by an order."""
    APPLIED = "applied"
    """The wanted desired state is in force."""
    OVERRULED = "overruled"
    """Somebody else has changed the desired state."""

    def __str__(self) -> str:
        return self.value


class ExperimentEffect(str, Enum):
    """The desired state to write (see `desired_states`)."""

    NOTHING = "nothing"
    LOAD = "load"
    SPLIT = "split"
    """The shares of the variants that are still in the test."""
    RESTORE = "restore"
    PROMOTE = "promote"


@dataclass(frozen=True)
class ExperimentTransition:
    """Where an event leads, and what is to be desired then."""

    phase: ExperimentPhase
    effect: ExperimentEffect = ExperimentEffect.NOTHING


_P, _E = ExperimentPhase, ExperimentEvent
_BACK = ExperimentTransition(_P.ENDING, ExperimentEffect.RESTORE)
_PROMOTE = ExperimentTransition(_P.ENDING, ExperimentEffect.PROMOTE)
_OVER = ExperimentTransition(_P.ENDED)

EXPERIMENT_TABLE: dict[tuple[ExperimentPhase, ExperimentEvent], ExperimentTransition] = {
    (_P.SUBMITTED, _E.BEGIN): ExperimentTransition(_P.LOADING, ExperimentEffect.LOAD),
    (_P.SUBMITTED, _E.IMPOSSIBLE): _OVER,
    (_P.SUBMITTED, _E.WITHDRAWN): _OVER,
    (_P.LOADING, _E.READY): ExperimentTransition(_P.RUNNING, ExperimentEffect.SPLIT),
    (_P.LOADING, _E.RESTORE): _BACK,
    (_P.LOADING, _E.OVERRULED): _OVER,
    (_P.RUNNING, _E.DROP): ExperimentTransition(_P.RUNNING, ExperimentEffect.SPLIT),
    (_P.RUNNING, _E.HOLD): ExperimentTransition(_P.HOLDING),
    (_P.RUNNING, _E.RESTORE): _BACK,
    (_P.RUNNING, _E.PROMOTE): _PROMOTE,
    (_P.RUNNING, _E.OVERRULED): _OVER,
    (_P.HOLDING, _E.DROP): ExperimentTransition(_P.HOLDING, ExperimentEffect.SPLIT),
    (_P.HOLDING, _E.RESTORE): _BACK,
    (_P.HOLDING, _E.PROMOTE): _PROMOTE,
    (_P.HOLDING, _E.OVERRULED): _OVER,
    (_P.ENDING, _E.APPLIED): _OVER,
    (_P.ENDING, _E.OVERRULED): _OVER,
}


def experiment_transition(phase: ExperimentPhase, event: ExperimentEvent) -> ExperimentTransition:
    """What follows from an event. AssertionError for what is not in the table: a fault of the program, not of its user."""
    found = EXPERIMENT_TABLE.get((phase, event))
    assert found is not None, f"event {event} cannot happen in phase {phase}"
    return found


def possible(phase: ExperimentPhase, event: ExperimentEvent) -> bool:
    """Whether the table knows this event in this phase."""
    return (phase, event) in EXPERIMENT_TABLE


assert not any(phase is ExperimentPhase.ENDED for phase, _ in EXPERIMENT_TABLE), "what has ended stays ended"
