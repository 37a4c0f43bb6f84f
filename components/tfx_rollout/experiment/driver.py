"""The steps of one A/B test: reads its state, does at most one thing, and records it.

It begins what was submitted, obeys an order, takes note of what is in force, closes and judges one window or the outcomes of
one, acts on the verdict. The order of writing (users, window or outcomes, verdict, event, state, desired state; see
`journal`) makes every step repeatable, so one that dies at any instant is followed by one that comes to the
same decisions.
"""

from __future__ import annotations

from collections import deque

from tfx_rollout.evidence.cohort_source import CohortSource
from tfx_rollout.evidence.expected_metrics import expect_no_metric
from tfx_rollout.experiment import desired_states, signals
from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.experiment.judge import ExperimentJudgeState, ExperimentVerdict, judge_arrivals, judge_outcomes
from tfx_rollout.experiment.machine import ExperimentEffect, ExperimentPhase, experiment_transition
from tfx_rollout.experiment.orders import of_order
from tfx_rollout.experiment.plan import ExperimentPlan
from tfx_rollout.experiment.signals import CONTROLLER, ExperimentSignal
from tfx_rollout.experiment.state import ExperimentState
from tfx_rollout.experiment.window import ExperimentWindow, MaturedWindow
from tfx_rollout.experiment.windows import as_past, next_matured, next_window
from tfx_rollout.journal import Overruled, Refusal, WriteAhead, waiting_orders
from tfx_rollout.rollout import segments
from tfx_rollout.rollout.clock import Clock, jump_in_words
from tfx_rollout.rollout.state import Segment
from tfx_rollout.traffic import Cause, DesiredState, ObservedState, Split, Sticky, primary_server

_WATCHED = (ExperimentPhase.RUNNING, ExperimentPhase.HOLDING)


class ExperimentDriver:
    """Drives one A/B test. `source` is that test's alone, and knows the windows that are on record."""

    def __init__(self, clock: Clock, journal: ExperimentJournal, plan: ExperimentPlan, source: CohortSource) -> None:
        self.journal = journal
        self._base, self._clock, self._plan, self._source = journal.base, clock, plan, source
        self._ahead = WriteAhead(journal, clock.now, called="test")
        state, windows, outcomes = journal.state(), journal.windows(), journal.outcomes()
        self._recorded: ExperimentWindow | None = next(iter(reversed(windows)), None)
        self._told: MaturedWindow | None = next(iter(reversed(outcomes)), None)
        self._open: deque[ExperimentWindow] = deque(
            window for window in windows if not window.void and state.matured < window.number <= state.windows
        )
        """The judged windows whose outcomes are not."""

    def step(self, state: ExperimentState) -> None:
        """The next thing to do, if there is one."""
        caught_up = self._ahead.catch_up(state)
        if isinstance(caught_up, Overruled):
            self._move(state, signals.of_overruling(state, caught_up.cause))
            return
        if caught_up is None or self._judge_recorded(caught_up) or self._obey(caught_up):
            return
        state = caught_up
        if state.phase is ExperimentPhase.SUBMITTED:
            desired = self._base.desired()
            beginning = signals.of_beginning(state, desired, self._base.versions())
            self._move(state.change(before=desired, control=desired.stable), beginning, self._base.observed())
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
        elif state.phase in _WATCHED and not self._mature(state):
            self._watch(state, observed)

    def clock_jumped(self, state: ExperimentState, seconds: float) -> None:
        """Let a jump of the wall clock not count: the window over it is void, and none begins before it. The date stays."""
        now = self._clock.now()
        moved = state.change(
            phase_since=state.phase_since + seconds,
            fault_since=None if state.fault_since is None else state.fault_since + seconds,
        )
        moved = self._ahead.noted(moved, "clock_jumped", f"{jump_in_words(seconds)}.", CONTROLLER)
        segment = state.segment if state.phase in _WATCHED else None
        if segment is None or (start := segments.begin_of_next(segment, state.judged_until)) >= now:
            self.journal.write_state(moved)
            return
        window = ExperimentWindow(state.windows + 1, start, now, segment.split, closed_by="gap", void=True)
        self._record(window)
        self._judge(moved, window)

    # What was written before, and what is asked for

    def _judge_recorded(self, state: ExperimentState) -> bool:
        """Judge what a crash kept from being judged, before anything that came after it."""
        if self._recorded is not None and self._recorded.number > state.windows:
            self._judge(state, self._recorded)
            return True
        if self._told is not None and self._told.number > state.matured:
            self._judge_told(state, self._told)
            return True
        return False

    def _obey(self, state: ExperimentState) -> bool:
        """Take the next order, if there is one."""
        order = next(iter(waiting_orders(state, self.journal.orders())), None)
        if order is None:
            return False
        taken = state.change(orders_done=order.number)
        answer = of_order(state, order)
        if isinstance(answer, Refusal):
            self.journal.write_state(self._ahead.noted(taken, "order_refused", answer.reason, order.by))
        else:
            self._move(taken, answer)
        return True

    # What is in force

    def _watch(self, state: ExperimentState, observed: ObservedState) -> None:
        """Close and judge the next window, if it is over."""
        if state.segment is None:
            if observed.split is not None and signals.in_force(state, observed):
                since = max(observed.split_since, state.phase_since)
                self.journal.write_state(state.change(segment=Segment(observed.split, since, observed.split_since)))
            return
        until = segments.end_of(state.segment, observed)
        if segments.is_over(state.segment, state.judged_until, until):
            self.journal.write_state(state.change(segment=None))
            return
        window = next_window(self._plan, self._source, state.windows + 1, state.segment, state.judged_until, until)
        if window is not None:
            self._record(window)
            self._judge(state, window)

    def _record(self, window: ExperimentWindow) -> None:
        self.journal.append_window(window)
        self._source.recorded(as_past(window))
        self._recorded = window

    def _judge(self, state: ExperimentState, window: ExperimentWindow) -> None:
        evidence, verdict = judge_arrivals(self._plan, state.judge, window, state.versions)
        if not window.void:
            self._open.append(window)
        self._decide(state.change(windows=window.number, judged_until=window.end), evidence, verdict)

    def _mature(self, state: ExperimentState) -> bool:
        """Judge the outcomes of the next window, if all feedback about them has come; whether there was anything to do."""
        matured = next_matured(self._plan, self._source, list(self._open)[:1], state.judged_until)
        if matured is None:
            return False
        self.journal.append_outcomes(matured)
        self._told = matured
        self._judge_told(state, matured)
        return True

    def _judge_told(self, state: ExperimentState, matured: MaturedWindow) -> None:
        evidence, verdict = judge_outcomes(self._plan, state.judge, matured, state.versions)
        self._decide(state.change(matured=matured.number), evidence, verdict)
        while self._open and self._open[0].number <= matured.number:
            self._open.popleft()
        self._source.matured(matured.number)

    def _decide(self, state: ExperimentState, evidence: ExperimentJudgeState, verdict: ExperimentVerdict) -> None:
        judged = state.change(judge=evidence, verdict=verdict)
        self.journal.append_verdict((judged.windows, judged.matured), verdict)
        signal = signals.of_verdict(self._plan, judged, verdict)
        if signal is None:
            self.journal.write_state(judged)
        else:
            self._move(judged, signal, self._base.observed())

    # What follows

    def _move(self, state: ExperimentState, signal: ExperimentSignal, observed: ObservedState | None = None) -> None:
        """Make a transition."""
        move = experiment_transition(state.phase, signal.event)
        now = self._clock.now()
        moved = state.change(
            phase=move.phase,
            phase_since=state.phase_since if move.phase is state.phase else now,
            reason=signal.reason,
            outcome=signal.outcome or state.outcome,
            winner=signal.winner or state.winner,
            promoted=signal.promoted or state.promoted,
            dropped=(*state.dropped, *signal.drop),
        )
        if observed is not None and (primary := observed.server(primary_server(self._base.name))):
            moved = moved.change(primary_restarts=primary.restarts)
        wanted = self._desired(moved, move.effect, Cause(signal.by, signal.reason, now, state.id))
        if moved.finished:
            moved = moved.change(finished_at=now)
            expect_no_metric(self._base, guard=self.journal.guard)
        self._ahead.commit(moved, wanted, signal.event, signal.reason, signal.by, came_from=state)

    def _desired(self, state: ExperimentState, effect: ExperimentEffect, cause: Cause) -> DesiredState | None:
        if effect is ExperimentEffect.NOTHING or state.before is None:
            return None
        if effect is ExperimentEffect.RESTORE:
            return desired_states.restored(state.before, cause)
        if effect is ExperimentEffect.PROMOTE:
            assert state.promoted is not None
            return desired_states.promoted(state.before, state.promoted, cause)
        variants = {track: None if track in state.dropped else version for track, version in state.variants.items()}
        split = Split() if effect is ExperimentEffect.LOAD else self._plan.split.only(set(state.left))
        sticky = Sticky(self._plan.header, salt=state.id)
        return desired_states.with_variants(state.before, variants, split, cause, sticky=sticky)
