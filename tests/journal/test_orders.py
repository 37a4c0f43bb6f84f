"""Of orders at once one counts, and none is recorded that does not fit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tfx_rollout.errors import Conflict, OrderWaiting, StaleRevision
from tfx_rollout.journal import Refusal, give_order, revision_of, waiting_orders


def fits(state, order) -> str:
    return "whatever follows"


def test_orders_are_numbered_and_wait_until_they_are_taken_up(journal, order):
    given = give_order(journal, order("stop"), fits)
    assert (given.number, given.kind) == (1, "stop")
    assert waiting_orders(journal.state(), journal.orders()) == [given]
    journal.write_state(journal.state().change(orders_done=1))
    assert waiting_orders(journal.state(), journal.orders()) == []
    assert give_order(journal, order("go on"), fits).number == 2


def test_while_one_waits_any_other_is_refused_but_one_that_lines_up(journal, order):
    give_order(journal, order("stop"), fits)
    with pytest.raises(OrderWaiting, match=f"Another order of the journey {journal.id} came first .*: ann ordered to stop;"):
        give_order(journal, order("go on", by="ben"), fits)
    assert give_order(journal, order("make room"), fits, lines_up=True).number == 2
    assert [given.kind for given in journal.orders()] == ["stop", "make room"]


def test_nothing_waits_of_what_has_ended(begin, order):
    journal = begin("a", outcome="arrived")
    journal.append_order(order("stop")(1))
    assert waiting_orders(journal.state(), journal.orders()) == []


def test_an_order_that_does_not_fit_is_refused_with_the_reason_and_not_recorded(journal, order):
    with pytest.raises(Conflict, match=r"It has begun\."):
        give_order(journal, order("begin"), lambda state, order: Refusal("It has begun."))
    assert journal.orders() == []


def test_an_order_about_a_revision_that_has_passed_is_refused(journal, order):
    seen = revision_of(journal.state(), journal.orders())
    journal.write_state(journal.state().change(events=1))
    with pytest.raises(StaleRevision, match=f"The journey {journal.id} of model 'm' is at revision e1o0, not e0o0: .*"):
        give_order(journal, order("stop"), fits, revision=seen)
    give_order(journal, order("stop"), fits, revision=revision_of(journal.state(), journal.orders()))
    assert revision_of(journal.state(), journal.orders()) == "e1o1"


def test_of_orders_from_many_at_once_one_counts(journal, order):
    def give(by: str) -> Callable[[], object] | OrderWaiting:
        try:
            return give_order(journal, order("stop", by=by), fits)
        except OrderWaiting as refused:
            return refused

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(give, [f"operator {n}" for n in range(8)]))
    (given,) = [result for result in results if not isinstance(result, OrderWaiting)]
    assert journal.orders() == [given]
