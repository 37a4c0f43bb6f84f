"""The controller: drives one model's rollouts, a step at a time. The one place here that acts.

Each tick reads the state, does at most one thing and records it: begins what was
submitted, obeys an order, takes note of what is in force, closes and judges one window,
acts on the verdict. The order of writing (window, verdict, event, state, desired state; see
`journal`) makes every tick repeatable, so a controller that dies at any instant is
followed by one that comes to the same decisions. It carries nothing in memory that
matters, but for how long a fault has been seen.

It does not start or configure processes: the supervisor applies the desired state.
"""

from __future__ import annotations

from typing import Protocol

from tfx_rollout.errors import StaleGeneration
from tfx_rollout.evidence import EvidenceSource, Window
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout import desired_states, segments, signals
from tfx_rollout.rollout.journal import Journal, rollout_ids
from tfx_rollout.rollout.judge import judge, open_stage
from tfx_rollout.rollout.machine import Effect, Event, transition
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.signals import Refusal, Signal
from tfx_rollout.rollout.state import Outcome, Phase, RolloutState, Segment
from tfx_rollout.traffic import Cause, DesiredState, ObservedState, Split, primary_server

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


class RolloutController:
    """Drives the rollouts of one model. There may be only one controller of a model at a time."""

    def __init__(self, base: BasePath, source: EvidenceSource, clock: Clock) -> None:
        self._base, self._source, self._clock = base, source, clock
        self._finished: set[str] = set()
        self._driven: _Driven | None = None

    def tick(self) -> None:
        """One step of the model's current rollout, if it has one. Call it several times a second."""
        current = self._current()
        if current is None:
            return
        if self._driven is None or self._driven.journal.id != current.id:
            self._driven = _Driven(self._base, self._source, self._clock, Journal(self._base, current.id))
        self._driven.tick(current)

    def _current(self) -> RolloutState | None:
        """The rollout that runs, else the first that waits for its turn."""
        queued = None
        for rollout in rollout_ids(self._base):
            if rollout in self._finished:
                continue
            state = Journal(self._base, rollout).state()
            if state.finished:
                self._finished.add(rollout)
            elif state.phase is not Phase.QUEUED:
                return state
            elif queued is None:
                queued = state
        return queued


class _Driven:
    """The steps of one rollout."""

    def __init__(self, base: BasePath, source: EvidenceSource, clock: Clock, journal: Journal) -> None:
        self.journal = journal
        self._base, self._source, self._clock = base, source, clock
        self._plan: Plan = journal.plan()
        self._recorded: Window | None = next(iter(reversed(journal.windows())), None)
        self._fault_since: float | None = None

    def tick(self, state: RolloutState) -> None:
        if self._catch_up(state):
            return
        if self._obey(state):
            return
        if state.phase is Phase.QUEUED:
            self._move(state, Signal(Event.TURN, "The rollout before it has ended."))
            return
        if state.phase is Phase.SUBMITTED:
            self._begin(state)
            return
        observed = self._base.observed() or ObservedState(self._base.name)
        signal = (
            self._fault(state, observed)
            or signals.of_serving(self._plan, state, observed)
            or signals.of_time(self._plan, state, self._clock.now())
        )
        if signal is not None:
            self._move(state, signal, observed)
        elif signals.is_watched(state):
            self._watch(state, observed)

    # What was written before, and what is asked for

    def _catch_up(self, state: RolloutState) -> bool:
        """Write the wanted state where a crash kept it from being written; end the rollout if somebody else wrote another."""
        wanted, found = state.wanted, self._base.desired()
        if wanted is None or found == wanted:
            return False
        if found.generation == wanted.generation - 1:
            self._write_desired(wanted)
        else:
            reason = f"{found.cause.by} has changed the desired state ({found.cause.why}), so the rollout ends here."
            self._move(state, Signal(Event.OVERRULED, reason, found.cause.by))
        return True

    def _obey(self, state: RolloutState) -> bool:
        """Take the next order, if there is one."""
        order = next((order for order in self.journal.orders() if order.number > state.orders_done), None)
        if order is None:
            return False
        taken = state.change(orders_done=order.number)
        answer = signals.of_order(self._plan, state, order)
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

    def _fault(self, state: RolloutState, observed: ObservedState) -> Signal | None:
        fault = signals.serving_fault(state, observed)
        if fault is None:
            self._fault_since = None
            return None
        if self._fault_since is None:
            self._fault_since = self._clock.monotonic()
        seen_for = self._clock.monotonic() - self._fault_since
        return signals.of_fault(state, fault) if seen_for >= FAULT_GRACE_SECONDS else None

    def _watch(self, state: RolloutState, observed: ObservedState) -> None:
        """Close and judge the next window, if it is over."""
        if self._recorded is not None and self._recorded.number > state.windows:
            self._judge(state, self._recorded)
            return
        if state.segment is None:
            self._open_segment(state, observed)
            return
        until = segments.end_of(state.segment, observed)
        if segments.is_over(state.segment, state.judged_until, until):
            self.journal.write_state(state.change(segment=None))
        elif observed.split is not None:
            self._close_window(state, state.segment, until)

    def _open_segment(self, state: RolloutState, observed: ObservedState) -> None:
        wanted = state.wanted
        if wanted is None or observed.split != wanted.split or not signals.candidate_serves(state, observed):
            return
        since = observed.split_since
        opened = state.change(
            segment=Segment(observed.split, since), judge=open_stage(self._plan, state.judge, state.stage, at=since)
        )
        if opened.judge.stage != state.judge.stage:
            opened = self._noted(
                opened, "stage_in_force", f"Stage {state.stage + 1} is in force: {observed.split}.", "controller"
            )
        self.journal.write_state(opened)

    def _close_window(self, state: RolloutState, segment: Segment, until: float | None) -> None:
        horizon, seconds = self._source.horizon(), self._plan.window_seconds
        interval = segments.next_interval(segment, state.judged_until, until, seconds=seconds, horizon=horizon)
        if interval is None:
            return
        counts = self._source.counts(self._base.name, interval.start, interval.end)
        if counts.gap and until is not None and interval.end < until:
            # The gateway went down in it, and was down until another split came in force: one void window tells that.
            if until > horizon:
                return
            interval = segments.Interval(interval.start, until, "gap")
            counts = self._source.counts(self._base.name, interval.start, interval.end)
        window = segments.window_of(state.windows + 1, interval, segment, counts)
        self.journal.append_window(window)
        self._recorded = window
        self._judge(state, window)

    def _judge(self, state: RolloutState, window: Window) -> None:
        evidence, verdict = judge(self._plan, state.judge, window)
        judged = state.change(windows=window.number, judged_until=window.end, judge=evidence, verdict=verdict)
        self.journal.append_verdict(window.number, verdict)
        signal = None if window.void else signals.of_verdict(self._plan, judged, verdict)
        if signal is None:
            self.journal.write_state(judged)
        else:
            self._move(judged, signal, self._base.observed())

    # What follows

    def _move(self, state: RolloutState, signal: Signal, observed: ObservedState | None = None) -> None:
        """Make a transition: event, state, desired state, in this order."""
        move = transition(state.phase, signal.event)
        now = self._clock.now()
        moved = state.change(phase=move.phase, phase_since=now, reason=signal.reason)
        if observed is not None and (primary := observed.server(primary_server(self._base.name))):
            moved = moved.change(primary_restarts=primary.restarts)
        if move.effect is Effect.NEXT_STAGE:
            moved = moved.change(stage=state.stage + 1, stage_since=now)
        if move.phase in _OUTCOMES:
            first = move.phase is Phase.PROMOTED and state.first_version
            moved = moved.change(outcome="first_version" if first else _OUTCOMES[move.phase], finished_at=now)
        wanted = self._desired(moved, move.effect, Cause(signal.by, signal.reason, now, state.id))
        if wanted is not None:
            found = state.wanted or state.before
            moved = moved.change(wanted=wanted.change(generation=(found.generation if found else 0) + 1))
        noted = self._noted(moved, str(signal.event), signal.reason, signal.by, came_from=state.phase)
        self.journal.write_state(noted)
        if wanted is not None and noted.wanted is not None:
            self._write_desired(noted.wanted)

    def _desired(self, state: RolloutState, effect: Effect, cause: Cause) -> DesiredState | None:
        if effect is Effect.NOTHING or state.before is None:
            return None
        before, candidate = state.before, state.version
        if effect is Effect.LOAD:
            return desired_states.canary_at(before, candidate, Split(), cause)
        if effect is Effect.NEXT_STAGE:
            return desired_states.canary_at(before, candidate, self._plan.stages[state.stage].split, cause)
        if effect is Effect.GO_LIVE:
            return desired_states.first_release(before, candidate, cause)
        if effect is Effect.PROMOTE:
            return desired_states.promoted(before, candidate, keep_previous=self._plan.keep_previous, cause=cause)
        return desired_states.rolled_back(before, cause)

    def _write_desired(self, wanted: DesiredState) -> None:
        try:
            self._base.write_desired(wanted, expected=wanted.generation - 1)
        except StaleGeneration:
            return  # The next tick finds the other change, and ends the rollout with it as the reason.

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
            "generation": state.generation,
            "by": by,
            "reason": reason,
        }
        self.journal.append_event(record)
        return state.change(events=number)
