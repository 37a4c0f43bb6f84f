"""The steps of one rollout: reads its state, does at most one thing, and records it.

It begins what was submitted, obeys an order, takes note of what is in force, closes and judges one
window, acts on the verdict. The order of writing (window, verdict, event, state, desired
state; see `journal`) makes every step repeatable, so one that dies at any instant is followed by one
that comes to the same decisions. It carries nothing in memory that matters, but for how long nothing
has been heard.
"""

from __future__ import annotations

from dataclasses import replace

from tfx_rollout.evidence import Window
from tfx_rollout.journal import Overruled, Refusal, WriteAhead, waiting_orders
from tfx_rollout.rollout import desired_states, elapsed, segments, signals
from tfx_rollout.rollout.clock import Clock, jump_in_words
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.rollout.judge import accept, judge, open_stage
from tfx_rollout.rollout.machine import APPROVALS, Effect, Event, transition
from tfx_rollout.rollout.order_signals import of_order
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.signals import CONTROLLER, Signal
from tfx_rollout.rollout.state import Outcome, Phase, RolloutState, Segment
from tfx_rollout.rollout.windows import WindowCloser
from tfx_rollout.traffic import Cause, DesiredState, ObservedState, Split, primary_server

_OUTCOMES: dict[Phase, Outcome] = {
    Phase.PROMOTED: "promoted",
    Phase.ROLLED_BACK: "rolled_back",
    Phase.FAILED: "failed",
}


class RolloutDriver:
    """Drives one rollout."""

    def __init__(self, clock: Clock, journal: Journal, plan: Plan, closer: WindowCloser) -> None:
        self.journal = journal
        self._base, self._clock, self._plan, self._closer = journal.base, clock, plan, closer
        self._ahead = WriteAhead(journal, clock.now, called="rollout")
        self._recorded: Window | None = next(iter(reversed(journal.windows())), None)
        self._heard_at = clock.monotonic()

    def step(self, state: RolloutState) -> None:
        """The next thing to do, if there is one."""
        caught_up = self._ahead.catch_up(state)
        if isinstance(caught_up, Overruled):
            self._move(state, signals.of_overruling(caught_up.cause))
            return
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
            signals.of_fault(state, fault, self._clock.now())
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
        reason = f"{jump_in_words(seconds)}, which counts for no stage and no deadline."
        moved = self._ahead.noted(elapsed.after_jump(state, seconds), "clock_jumped", reason, CONTROLLER)
        segment = state.segment if signals.is_watched(state) else None
        if segment is None or (start := segments.begin_of_next(segment, state.judged_until)) >= now:
            self.journal.write_state(moved)
            return
        window = Window(state.windows + 1, start, now, segment.split, closed_by="gap", void=True)
        self._record(window)
        self._judge(moved, window)

    # What was written before, and what is asked for

    def _judge_recorded(self, state: RolloutState) -> bool:
        """Judge a window that a crash kept from being judged, before anything that came after it."""
        if self._recorded is None or self._recorded.number <= state.windows:
            return False
        self._judge(state, self._recorded)
        return True

    def _obey(self, state: RolloutState) -> bool:
        """Take the next order, if there is one."""
        order = next(iter(waiting_orders(state, self.journal.orders())), None)
        if order is None:
            return False
        taken = state.change(orders_done=order.number)
        answer = of_order(self._plan, state, order)
        if isinstance(answer, Refusal):
            self.journal.write_state(self._ahead.noted(taken, "order_refused", answer.reason, order.by))
        else:
            self._move(taken, answer)
        return True

    def _begin(self, state: RolloutState) -> None:
        desired = self._base.desired()
        signal = signals.of_beginning(state, desired, self._base.versions())
        self._move(state.change(before=desired), signal, self._base.observed())

    # What is in force

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
            opened = self._ahead.noted(opened, "stage_in_force", f"Stage {state.stage + 1} is in force: {stage}.", CONTROLLER)
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
        """Make a transition."""
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
            moved = _cut_off(moved, wanted, now)
        self._ahead.commit(moved, wanted, signal.event, signal.reason, signal.by, came_from=state)

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


def _cut_off(state: RolloutState, wanted: DesiredState, now: float) -> RolloutState:
    """The state whose segment ends at `now` where no other split ends it: the wanted traffic is what is there already."""
    found, segment = state.wanted or state.before, state.segment
    if segment is None or found is None or (found.split, found.mirror > 0) != (wanted.split, wanted.mirror > 0):
        return state
    return state.change(segment=replace(segment, until=now))
