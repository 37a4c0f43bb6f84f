"""Rollouts through the control: started, steered, followed; what is told is what the journal says."""

from __future__ import annotations

import json
import time
from typing import get_args

import pytest

from tfx_rollout.control.documents import OrderWanted, RolloutWanted
from tfx_rollout.control.documents.rollouts import OrderKind
from tfx_rollout.errors import Conflict, InvalidPlan, NotFound, OrderWaiting, RolloutInProgress, StaleRevision
from tfx_rollout.rollout import Expectation, await_rollout, read_rollout, send_order
from tfx_rollout.rollout.journal import Journal

KINDS = get_args(OrderKind)


def test_a_rollout_is_started_by_the_newest_version_and_the_default_plan_unless_told_otherwise(control, wanted):
    started = control.start_rollout("taxi", RolloutWanted())
    assert (started.version, started.plan, started.phase, started.by) == (3, "default", "submitted", "ann")
    assert control.rollout("taxi", started.id) == started
    assert control.model("taxi").rollout == started
    with pytest.raises(RolloutInProgress):
        control.start_rollout("taxi", wanted(2))


def test_a_bad_plan_or_an_unknown_name_starts_nothing(control, plan):
    with pytest.raises(InvalidPlan):
        control.start_rollout("taxi", RolloutWanted(plan={**plan, "stages": []}))
    for name in ("nope", "../default", "/etc/passwd", "default.yaml"):
        with pytest.raises(NotFound):
            control.start_rollout("taxi", RolloutWanted(plan=name))
    with pytest.raises(NotFound, match="There is no rollout nope"):
        control.rollout("taxi", "nope")
    for wrong in ("../rollouts", "..", ".", "", "a/../b", "x" * 300, "\0"):
        with pytest.raises(NotFound):
            control.rollout("taxi", wrong)
    assert control.rollouts("taxi").total == 0


def test_plans_are_told_with_their_defaults_and_what_is_told_is_accepted(control, plan):
    plans = control.plans().plans
    assert "default" in [found.name for found in plans]
    for found in plans:
        assert control.check_plan(found.document).document == found.document
    assert control.check_plan(plan).document["stages"][0]["on_inconclusive"]
    with pytest.raises(InvalidPlan) as told:
        control.check_plan({"stages": [{"share": 7}], "alpha": 9})
    assert len(told.value.faults) == 2


def test_of_orders_the_first_counts_and_the_second_is_told_which(control, asked_by, wanted):
    started = control.start_rollout("taxi", wanted(2))
    order = control.order("taxi", started.id, OrderWanted(kind="abort", why="complaints"))
    assert (order.number, order.kind, order.by, order.taken) == (1, "abort", "ann", False)
    with pytest.raises(OrderWaiting, match=r"ann ordered to abort .*complaints"):
        asked_by("ben").order("taxi", started.id, OrderWanted(kind="rollback"))
    shown = control.rollout("taxi", started.id)
    assert ([o.kind for o in shown.orders], shown.possible_orders) == (["abort"], [])


def test_an_order_may_name_the_revision_that_it_is_about(control, wanted):
    started = control.start_rollout("taxi", wanted(2))
    with pytest.raises(StaleRevision):
        control.order("taxi", started.id, OrderWanted(kind="abort"), expected="e9w9o9")
    control.order("taxi", started.id, OrderWanted(kind="abort"), expected=started.revision)
    assert control.rollout("taxi", started.id).revision != started.revision


def test_what_may_be_ordered_is_taken_and_nothing_else(control, base, wanted, supervised):
    started = control.start_rollout("taxi", wanted(2, stages=[{"share": 0.5, "min_seconds": 10, "approval": True}]))

    def order_everything(phase: str, last: str, deadline: bool) -> None:
        """Every kind that is told to be impossible, then the one that goes on."""
        shown = control.rollout("taxi", started.id)
        assert (shown.phase, shown.deadline is not None) == (phase, deadline)
        for kind in set(KINDS) - set(shown.possible_orders):
            with pytest.raises(Conflict, match=f"The order to {kind} is refused"):
                control.order("taxi", started.id, OrderWanted(kind=kind))
        assert last in shown.possible_orders
        control.order("taxi", started.id, OrderWanted(kind=last))

    order_everything("submitted", "abort", deadline=False)
    with supervised(base):
        await_rollout(base, started.id, until=lambda s: s.finished, timeout=60)
    started = control.start_rollout("taxi", wanted(2, stages=[{"share": 0.5, "min_seconds": 10, "approval": True}]))
    for phase, last in (("awaiting_approval", "approve"), ("holding", "pause"), ("paused", "resume"), ("holding", "promote")):
        with supervised(base):
            await_rollout(base, started.id, until=lambda s, phase=phase: str(s.phase) == phase, timeout=60)
        order_everything(phase, last, deadline=phase == "holding")
    with supervised(base):
        await_rollout(base, started.id, until=lambda s: s.finished, timeout=60)
    ended = control.rollout("taxi", started.id)
    assert (ended.outcome, ended.finished, ended.possible_orders, ended.orders) == ("promoted", True, [], [])
    with pytest.raises(Conflict, match="is promoted"):
        control.order("taxi", started.id, OrderWanted(kind="abort"))


def test_what_is_followed_is_the_journal_in_its_order_each_line_once_and_at_last_the_report(control, base, wanted, supervised):
    started = control.start_rollout("taxi", wanted(2, promotion="automatic"))
    with supervised(base):
        lines = list(control.follow_rollout("taxi", started.id))
    record = read_rollout(base, started.id)
    assert [line["number"] for line in lines if line["type"] == "event"] == [event["number"] for event in record.events]
    verdicts = [line for line in lines if line["type"] == "verdict"]
    assert [line["window"]["number"] for line in verdicts] == [window.number for window in record.windows]
    assert [line["verdict"]["call"] for line in verdicts] == [str(v.call) for _, v in sorted(record.verdicts.items())]
    assert [line["type"] for line in lines[-2:]] == ["state", "report"]
    assert lines[-2]["outcome"] == lines[-1]["outcome"] == "promoted"
    assert lines[-1] == {"type": "report", **control.rollout_report("taxi", started.id)}
    places = [line["window"]["number"] if line["type"] == "verdict" else line["window"] for line in lines if "window" in line]
    assert places == sorted(places)
    # Whoever comes after its end is told the same.
    again = [line for line in control.follow_rollout("taxi", started.id) if line["type"] in ("event", "verdict")]
    assert again == [line for line in lines if line["type"] in ("event", "verdict")]
    json.dumps(lines, allow_nan=False)


def test_lines_that_a_dead_controller_left_without_their_state_are_told_as_the_next_one_writes_them(control, base, wanted):
    started = control.start_rollout("taxi", wanted(2))
    journal = Journal(base, started.id)
    tail = control.tail_rollout("taxi", started.id)
    assert [line["type"] for line in tail.read()] == ["state"]
    event = {"number": 1, "at": 1.0, "event": "begin", "from": "submitted", "to": "loading", "window": 0, "reason": "lost"}
    journal.append_event(event)
    assert tail.read() == []
    with (journal.path / "events.jsonl").open("ab") as file:
        file.write(b'{"number": 1, "torn')
    assert tail.read() == []
    journal.append_event({**event, "reason": "written anew"})
    journal.write_state(journal.state().change(events=1, reason="written anew"))
    told = tail.read()
    assert [(line["type"], line["reason"]) for line in told] == [("event", "written anew"), ("state", "written anew")]
    assert tail.read() == []


def test_an_order_alone_is_news_of_the_state(control, wanted):
    started = control.start_rollout("taxi", wanted(2))
    tail = control.tail_rollout("taxi", started.id)
    tail.read()
    control.order("taxi", started.id, OrderWanted(kind="abort"))
    (line,) = tail.read()
    assert (line["type"], [order["kind"] for order in line["orders"]]) == ("state", ["abort"])


def test_rollouts_are_told_newest_first_and_in_pages(control, base, wanted, supervised):
    with supervised(base):
        for version in (2, 3, 2):
            started = control.start_rollout("taxi", wanted(version))
            control.order("taxi", started.id, OrderWanted(kind="abort"))
            await_rollout(base, started.id, until=lambda s: s.finished, timeout=60)
    told = control.rollouts("taxi")
    assert (told.total, [rollout.version for rollout in told.rollouts]) == (3, [2, 3, 2])
    page = control.rollouts("taxi", limit=1, offset=2)
    assert (page.total, [rollout.id for rollout in page.rollouts]) == (3, [told.rollouts[2].id])


def test_the_pipelines_promotion_and_a_persons_abort_the_first_one_counts(control, base, wanted, supervised):
    started = control.start_rollout("taxi", wanted(2))
    with supervised(base):
        state = await_rollout(base, started.id, timeout=60)
    send_order(base, started.id, "promote", by="blessing", why="blessed", expect=Expectation.of(state))
    with pytest.raises(OrderWaiting, match="blessing ordered to promote"):
        control.order("taxi", started.id, OrderWanted(kind="abort"))
    with supervised(base):
        assert await_rollout(base, started.id, until=lambda s: s.finished, timeout=60).outcome == "promoted"


def test_the_record_of_a_rollout_is_who_started_it_by_which_plan(control, wanted):
    started = control.start_rollout("taxi", wanted(2))
    control.order("taxi", started.id, OrderWanted(kind="abort", why="complaints"))
    ordered, began = control.audit().entries
    assert (began.action, began.by, began.detail) == (
        "start a rollout",
        "ann",
        f"rollout {started.id} of version 2 by plan quick",
    )
    assert began.facts == {"version": 2, "why": "a new version"}
    assert (ordered.action, ordered.facts) == ("order to abort", {"rollout": started.id, "why": "complaints"})
    assert time.time() - ordered.at < 60
