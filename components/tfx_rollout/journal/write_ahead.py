"""Writing ahead: what is decided is on record before traffic moves by it.

The event is written first, then the state that counts it, and last the desired state that it asks for. Whoever dies in between
is followed by one that finds on record what was decided: an event that no state counts is written anew, and a desired state that
is not there yet is written then (`WriteAhead.catch_up`), whatever people have changed meanwhile of what is held beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from tfx_rollout.errors import StaleGeneration
from tfx_rollout.journal.held_beside import HeldBeside, Overruled, beside
from tfx_rollout.journal.record import RecordedState
from tfx_rollout.journal.record_journal import RecordJournal
from tfx_rollout.traffic import DesiredState

SelfT = TypeVar("SelfT")


class TrafficState(RecordedState, Protocol):
    """How something stands that moves traffic."""

    @property
    def phase(self) -> object: ...

    @property
    def before(self) -> DesiredState | None:
        """What was desired when it began."""

    @property
    def wanted(self) -> DesiredState | None:
        """The desired state that it asks for, with the generation it gets."""

    @property
    def situation(self) -> Mapping[str, Any]:
        """What its events tell of it, beside what happened: where it is, and how traffic is."""

    def change(self: SelfT, **changes: Any) -> SelfT: ...


TrafficStateT = TypeVar("TrafficStateT", bound=TrafficState)


class WriteAhead(Generic[TrafficStateT]):
    """Writes what is decided of one thing that moves traffic. `called` is what its events call it.

    `now` in seconds since the epoch. What the journal's guard raises (`LostLease`) keeps whatever is left from being written.
    """

    def __init__(self, journal: RecordJournal[Any, TrafficStateT, Any], now: Callable[[], float], *, called: str) -> None:
        self._journal, self._base, self._now, self._called = journal, journal.base, now, called

    def commit(
        self,
        state: TrafficStateT,
        wanted: DesiredState | None,
        event: object,
        reason: str,
        by: str,
        *,
        came_from: TrafficStateT,
    ) -> None:
        """Write a transition to `state`: event, state, desired state, in this order.

        `wanted` is what it asks for, where it asks for anything; the generation is given here.
        """
        if wanted is not None:
            found = state.wanted or state.before
            wanted = wanted.change(generation=(found.generation if found else 0) + 1)
            state = state.change(wanted=wanted, generation=wanted.generation)
        self._journal.write_state(self.noted(state, event, reason, by, came_from=came_from))
        if wanted is not None:
            self._write_desired(wanted)

    def noted(
        self, state: TrafficStateT, event: object, reason: str, by: str, *, came_from: TrafficStateT | None = None
    ) -> TrafficStateT:
        """Record an event; the state that counts it, which is returned, has to be written next."""
        number = state.events + 1
        record = {
            "number": number,
            "at": self._now(),
            "event": str(event),
            "from": str((came_from or state).phase),
            "to": str(state.phase),
            **state.situation,
            "by": by,
            "reason": reason,
        }
        self._journal.append_event(record)
        return state.change(events=number)

    def catch_up(self, state: TrafficStateT) -> TrafficStateT | Overruled | None:
        """Write the wanted state where a crash kept it from being written, and go on over what people have changed of what is
        held beside it.

        The state to go on with; None where something was written that has to be seen first; `Overruled` where somebody else has
        moved traffic.
        """
        wanted, before = state.wanted, state.before
        if wanted is None or before is None or self._base.desired() == wanted:
            return state
        # Under the lock, or those who change what is held again and again would always come first.
        with self._base.lock():
            found = self._base.desired()
            if found.generation == wanted.generation - 1:
                self._write_desired(wanted)
                return None
            others = beside(self._base, before, wanted, found)
            return others if isinstance(others, Overruled) else self._go_on_over(state, others)

    def _go_on_over(self, state: TrafficStateT, others: HeldBeside) -> TrafficStateT | None:
        reason = f"{others.cause.by} has changed what is held beside the {self._called} ({others.cause.why}); it goes on."
        held = self.noted(state.change(before=others.before, wanted=others.wanted), "held", reason, others.cause.by)
        self._journal.write_state(held)
        if others.found:
            return held
        self._write_desired(others.wanted)
        return None

    def _write_desired(self, wanted: DesiredState) -> None:
        try:
            self._base.write_desired(wanted, expected=wanted.generation - 1, guard=self._journal.guard)
        except StaleGeneration:
            return  # The next one to catch up finds the other change, and goes on over it or is overruled.
