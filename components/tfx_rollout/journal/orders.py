"""Orders: anybody gives them, one waits at a time, and the controller takes them up one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tfx_rollout.errors import Conflict, OrderWaiting, StaleRevision
from tfx_rollout.journal.record import OrderT, PlanT, RecordedOrder, RecordedState, StateT
from tfx_rollout.journal.record_journal import RecordJournal
from tfx_rollout.journal.refusal import Refusal


def give_order(
    journal: RecordJournal[PlanT, StateT, OrderT],
    make: Callable[[int], OrderT],
    answer: Callable[[StateT, OrderT], object],
    *,
    revision: str | None = None,
    lines_up: bool = False,
) -> OrderT:
    """Record the order that `make` makes with its number, and return it.

    Of orders at once one counts: while it waits to be taken up, any other is refused with `OrderWaiting`, but for one that
    `lines_up` behind it. Refused with `Conflict` where `answer`, which says what would follow from the order, gives a
    `Refusal`, and with `StaleRevision` where the thing is not at `revision` (`revision_of`).
    """
    base = journal.base
    with base.lock():
        state, orders = journal.state(), journal.orders()
        order = make(len(orders) + 1)
        found = revision_of(state, orders)
        if revision not in (None, found):
            subject = f"{journal.named} of model {base.name!r}"
            raise StaleRevision(subject[0].upper() + subject[1:], str(revision), found)
        if not lines_up:
            for waiting in waiting_orders(state, orders)[:1]:
                raise OrderWaiting(journal.id, waiting.number, str(waiting), title=journal.title)
        answered = answer(state, order)
        if isinstance(answered, Refusal):
            raise Conflict(answered.reason)
        journal.append_order(order)
        return order


def waiting_orders(state: RecordedState, orders: Sequence[OrderT]) -> list[OrderT]:
    """The orders that the controller has yet to take up; none of what has ended."""
    return [] if state.finished else [order for order in orders if order.number > state.orders_done]


def revision_of(state: RecordedState, orders: Sequence[RecordedOrder]) -> str:
    """Which of its moments it is in: the revision changes with every event, everything that is decided upon, and every order."""
    return f"{state.moment}o{len(orders)}"
