"""The steps of one rollout: reads its state, does at most one thing, and records it.

It begins what was submitted, obeys an order, takes note of what is in force, closes and judges one
window, acts on the verdict. The order of writing (window, verdict, event, state, desired
state; see `journal`) makes every step repeatable, so one that dies at any instant is followed by one
that comes to the same decisions. It carries nothing in memory that matters, but for how long nothing
has been heard.
"""

from __future__ import annotations

from typing import Protocol

from tfx_rollout.errors import StaleGeneration
from tfx_rollout.evidence import Window
from tfx_rollout.journal import Refusal
from tfx_rollout.model_store import BasePath, Guard
from tfx_rollout.rollout import desired_states, elapsed, segments, signals
from tfx_rollout.rollout.held_beside import HeldBeside, Overruled, beside
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.rollout.judge import accept, judge, open_stage
from tfx_rollout.rollout.machine import APPROVALS, Effect, Event, transition
from tfx_rollout.rollout.order_signals import of_order
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.signals import CONTROLLER, Signal
from tfx_rollout.rollout.state import Outcome, Phase, RolloutState, Segment
from tfx_rollout.rollout.windows import WindowCloser
from tfx_rollout.traffic import Cause, DesiredState, ObservedState, Split, Track, primary_server

FAULT_GRACE_SECONDS = 3.0
"""A fault of the candidate counts when it has been seen for this long: what a server reported
before it read its new configuration is no fault."""

_OUTCOMES: dict[Phase, Outcome] = {
    Phase.PROMOTED: "promoted",
    Phase.ROLLED_BACK: "rolled_back",
    Phase.FAILED: "failed",
}


class Clock(Protocol):
    """Two clocks in seconds: `now` since the epoch, `monotonic` since some fixed moment."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...


class RolloutDriver:
    """Drives one rollout."""

    def __init__(self, base: BasePath, clock: Clock, journal: Journal, plan: Plan, closer: WindowCloser, guard: Guard) -> None:
        self.journal = journal
        self._base, self._clock, self._plan, self._closer, self._guard = base, clock, plan, closer, guard
        self._recorded: Window | None = next(iter(reversed(journal.windows())), None)
        self._heard_at = clock.monotonic()

    def step(self, state: RolloutState) -> None:
        """The next thing to do, if there is one."""
        caught_up = self._catch_up(state)
        if caught_up is None or self._judge_recorded(caught_up) or self._obey(caught_up):
            return
        state = caught_up
        if state.phase is Phase.QUEUED:
            self._move(state, Signal(Event.TURN, "The rollout before it has ended."))
            return
        if state.phase is Phase.SUBMITTED:
            self._begin(state)
            return
        observed = self._base.observed() or ObservedState(self._base.name)
        fault = signals.serving_fault(state, observed)
        if (fault is None) != (state.fault_since is None):
            self.journal.write_state(state.change(fault_since=None if fault is None else self._clock.now()))
            return
        signal = (
            self._fault(state, fault)
            or signals.of_serving(self._plan, state, observed)
            or signals.of_time(self._plan, state, self._clock.now())
        )
        if signal is not None:
            self._move(state, signal, observed)
        elif signals.is_watched(state) and not self._watch(state, observed):
            silent_for = self._clock.monotonic() - self._heard_at
            signal = signals.of_silence(self._plan, state, self._clock.now(), silent_for)
            if signal is not None:
                self._move(state, signal, observed)

    def clock_jumped(self, state: RolloutState, seconds: float) -> None:
        """Let a jump of the wall clock not count: see `elapsed`."""
        now = self._clock.now()
        way = "forward" if seconds > 0 else "back"
        reason = f"The clock jumped {way} by {abs(seconds):.1f} s, which counts for no stage and no deadline."
        moved = self._noted(elapsed.after_jump(state, seconds), "clock_jumped", reason, CONTROLLER)
        start = 0.0 if state.segment is None else max(state.segment.since, state.judged_until)
        if state.segment is not None and signals.is_watched(state) and start < now:
            window = Window(state.windows + 1, start, now, state.segment.split, closed_by="gap", void=True)
            self._record(window)
            self._judge(moved, window)
        else:
            self.journal.write_state(moved)

    # What was written before, and what is asked for

    def _catch_up(self, state: RolloutState) -> RolloutState | None:
        """Write the wanted state where a crash kept it from being written. What somebody else wrote ends the rollout if it
        is about traffic, and goes into all that follows if it is about what else is held.

        The state to go on with; None where something was written that has to be seen first.
        """
        wanted, before = state.wanted, state.before
        if wanted is None or before is None or self._base.desired() == wanted:
            return state
        # Under the lock, or those who change what is held again and again would always come first.
        with self._base.lock():
            found = self._base.desired()
            if found.generation != wanted.generation - 1:
                return self._go_on_over(state, beside(self._base, before, wanted, found))
            self._write_desired(wanted)
        return None

    def _go_on_over(self, state: RolloutState, others: HeldBeside | Overruled) -> RolloutState | None:
        by, why = others.cause.by, others.cause.why
        if isinstance(others, Overruled):
            reason = f"{by} has changed the desired state ({why}), so the rollout ends here."
            self._move(state, Signal(Event.OVERRULED, reason, by))
            return None
        reason = f"{by} has changed what is held beside the rollout ({why}); it goes on."
        held = self._noted(state.change(before=others.before, wanted=others.wanted), "held", reason, by)
        self.journal.write_state(held)
        if others.found:
            return held
        self._write_desired(others.wanted)
        return None

    def _judge_recorded(self, state: RolloutState) -> bool:
        """Judge a window that a crash kept from being judged, before anything that came after it."""
        if self._recorded is None or self._recorded.number <= state.windows:
            return False
        self._judge(state, self._recorded)
        return True

    def _obey(self, state: RolloutState) -> bool:
        """Take the next order, if there is one."""
        order = next((order for order in self.journal.orders() if order.number > state.orders_done), None)
        if order is None:
            return False
        taken = state.change(orders_done=order.number)
        answer = of_order(self._plan, state, order)
        if isinstance(answer, Refusal):
            self.journal.write_state(self._noted(taken, "order_refused", answer.reason, order.by))
        else:
            self._move(taken, answer)
        return True

    def _begin(self, state: RolloutState) -> None:
        desired = self._base.desired()
        signal = signals.of_beginning(state, desired, self._base.versions())
        self._move(state.change(before=desired), signal, self._base.observed())

    # What is in force

    def _fault(self, state: RolloutState, fault: str | None) -> Signal | None:
        if fault is None or state.fault_since is None or self._clock.now() - state.fault_since < FAULT_GRACE_SECONDS:
            return None
        return signals.of_fault(state, fault)

    def _watch(self, state: RolloutState, observed: ObservedState) -> bool:
        """Close and judge the next window, if it is over; whether there was anything to do."""
        if state.segment is None:
            return self._open_segment(state, observed)
        until = segments.end_of(state.segment, observed)
        if segments.is_over(state.segment, state.judged_until, until):
            self.journal.write_state(state.change(segment=None))
            return True
        window = self._closer.close(state.windows + 1, state.segment, state.judged_until, until)
        if window is None:
            return False
        self._record(window)
        self._judge(state, window)
        return True

    def _open_segment(self, state: RolloutState, observed: ObservedState) -> bool:
        if observed.split is None or not signals.in_force(state, observed):
            return False
        # A stage that needed no other traffic than the one before it begins when it was asked for.
        since = max(observed.split_since, state.stage_since)
        segment = Segment(observed.split, since, observed.split_since)
        opened = state.change(segment=segment, judge=open_stage(self._plan, state.judge, state.stage, at=since))
        if opened.judge.stage != state.judge.stage:
            stage = signals.in_words(self._plan.stages[state.stage])
            opened = self._noted(opened, "stage_in_force", f"Stage {state.stage + 1} is in force: {stage}.", CONTROLLER)
        self.journal.write_state(opened)
        return True

    def _record(self, window: Window) -> None:
        self.journal.append_window(window)
        self._closer.recorded(window)
        self._recorded = window

    def _judge(self, state: RolloutState, window: Window) -> None:
        state = elapsed.delayed(state, window)
        evidence, verdict = judge(self._plan, state.judge, window)
        judged = state.change(windows=window.number, judged_until=window.end, judge=evidence, verdict=verdict)
        self.journal.append_verdict(window.number, verdict)
        if window.void:
            self.journal.write_state(judged)
            return
        self._heard_at = self._clock.monotonic()
        signal = signals.of_verdict(self._plan, judged, verdict)
        if signal is None:
            self.journal.write_state(judged)
        else:
            self._move(judged, signal, self._base.observed())

    # What follows

    def _move(self, state: RolloutState, signal: Signal, observed: ObservedState | None = None) -> None:
        """Make a transition: event, state, desired state, in this order."""
        move = transition(state.phase, signal.event)
        now = self._clock.now()
        moved = _left(state, signal, now).change(phase=move.phase, reason=signal.reason)
        if observed is not None and (primary := observed.server(primary_server(self._base.name))):
            moved = moved.change(primary_restarts=primary.restarts)
        if move.effect is Effect.NEXT_STAGE:
            moved = moved.change(stage=state.stage + 1, stage_since=now)
        if move.phase in _OUTCOMES:
            first = move.phase is Phase.PROMOTED and state.first_version
            moved = moved.change(outcome="first_version" if first else _OUTCOMES[move.phase], finished_at=now)
        wanted = self._desired(moved, move.effect, Cause(signal.by, signal.reason, now, state.id))
        if wanted is not None:
            moved = _wanting(moved, wanted, now)
        noted = self._noted(moved, str(signal.event), signal.reason, signal.by, came_from=state.phase)
        self.journal.write_state(noted)
        if wanted is not None and noted.wanted is not None:
            self._write_desired(noted.wanted)

    def _desired(self, state: RolloutState, effect: Effect, cause: Cause) -> DesiredState | None:
        if effect is Effect.NOTHING or state.before is None:
            return None
        before, candidate = state.before, state.version
        sticky = desired_states.assignment(self._plan, state.id)
        if effect is Effect.LOAD:
            return desired_states.canary_at(before, candidate, Split(), cause, sticky=sticky)
        if effect is Effect.NEXT_STAGE:
            return desired_states.in_stage(before, candidate, self._plan.stages[state.stage], cause, sticky=sticky)
        if effect is Effect.STEP_BACK:
            now = Split() if state.wanted is None else state.wanted.split
            lower = desired_states.next_step_back(self._plan, now) or Split()
            return desired_states.canary_at(before, candidate, lower, cause, sticky=sticky)
        if effect is Effect.GO_LIVE:
            return desired_states.first_release(before, candidate, cause)
        if effect is Effect.PROMOTE:
            return desired_states.promoted(before, candidate, keep_previous=self._plan.keep_previous, cause=cause)
        return desired_states.rolled_back(before, cause)

    def _write_desired(self, wanted: DesiredState) -> None:
        try:
            self._base.write_desired(wanted, expected=wanted.generation - 1, guard=self._guard)
        except StaleGeneration:
            return  # The next tick finds the other change, and goes on over it or ends with it as the reason.

    def _noted(self, state: RolloutState, event: str, reason: str, by: str, came_from: Phase | None = None) -> RolloutState:
        """Record an event; the state that counts it has to be written next."""
        number = state.events + 1
        record = {
            "number": number,
            "at": self._clock.now(),
            "event": event,
            "from": str(came_from or state.phase),
            "to": str(state.phase),
            "stage": state.stage,
            "window": state.windows,
            "generation": 0 if state.wanted is None else state.wanted.generation,
            "share": 0.0 if state.wanted is None else state.wanted.split.share(Track.CANARY),
            "by": by,
            "reason": reason,
        }
        self.journal.append_event(record)
        return state.change(events=number)


def _left(state: RolloutState, signal: Signal, now: float) -> RolloutState:
    """The state in which its phase is left at `now`: over, interrupted, or an interruption that is over."""
    if signal.event is Event.ASK and state.phase is Phase.AWAITING_APPROVAL:
        return state.change(asked=tuple(dict.fromkeys((*state.asked, *signal.about))))
    if signal.event is Event.PAUSE or (signal.event is Event.ASK and signal.about):
        return elapsed.interrupted(state, now).change(asked=signal.about)
    if state.phase is Phase.AWAITING_APPROVAL and signal.event in APPROVALS:
        state = state.change(judge=accept(state.judge, *state.asked))
    over = elapsed.resumed(state, now) if signal.event in (Event.RESUME, Event.RESUME_HOLD) else state.change(phase_since=now)
    return over.change(interrupted=None, asked=())


def _wanting(state: RolloutState, wanted: DesiredState, now: float) -> RolloutState:
    """The state that asks for this desired state, with the generation it gets."""
    found, segment = state.wanted or state.before, state.segment
    if segment is not None and found is not None and (found.split, found.mirror > 0) == (wanted.split, wanted.mirror > 0):
        segment = Segment(segment.split, segment.since, segment.in_force_since, until=now)
    generation = (found.generation if found else 0) + 1
    return state.change(wanted=wanted.change(generation=generation), generation=generation, segment=segment)
