"""Waiting for something to come of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from tfx_rollout.journal.record import OrderT, PlanT, StateT
from tfx_rollout.journal.record_journal import RecordJournal


def await_state(
    journal: RecordJournal[PlanT, StateT, OrderT], until: Callable[[StateT], bool], *, timeout: float, poll: float
) -> StateT:
    """The first state that is seen of which `until` is true; at the timeout, in seconds, the state as it is then."""
    deadline = time.monotonic() + timeout
    while True:
        state = journal.state()
        if until(state) or time.monotonic() >= deadline:
            return state
        time.sleep(poll)
