"""What can be asked for, and what is refused with which sentence."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import Conflict, InvalidInput, NotFound, OrderWaiting, RolloutInProgress, StaleRevision
from tfx_rollout.rollout import (
    Expectation,
    Phase,
    await_rollout,
    list_rollouts,
    read_rollout,
    revision_of,
    rollback_to_previous,
    running_rollout,
    send_order,
    start_rollout,
)
from tfx_rollout.traffic import Label


def start(world, version, plan, why="a new version"):
    return start_rollout(world.base, version, plan, by="ann", why=why)


def test_an_unknown_version_is_refused(live, plan):
    with pytest.raises(NotFound, match=r"There is no version 9 in the base path .*; known: 1, 2, 3\."):
        start(live, 9, plan())
    assert list_rollouts(live.base) == []


def test_a_version_that_is_live_is_refused(live, plan):
    with pytest.raises(Conflict, match="Version 1 of model 'm' is live already"):
        start(live, 1, plan())


def test_a_second_rollout_is_refused_by_default(live, plan):
    first = start(live, 2, plan())
    with pytest.raises(RolloutInProgress, match=f"Rollout {first} of model 'm'"):
        start(live, 3, plan())
    assert [state.id for state in list_rollouts(live.base)] == [first]


def test_a_second_rollout_waits_for_its_turn_where_the_plan_says_queue(live, plan):
    first = start(live, 2, plan(promotion="automatic"))
    second = start(live, 3, plan(promotion="automatic", on_running="queue"))
    assert live.state.phase is Phase.QUEUED
    final = live.run(lambda state: state.finished)
    assert final.outcome == "promoted"
    assert [state.outcome for state in list_rollouts(live.base)] == ["promoted", "promoted"]
    before, after = (read_rollout(live.base, rollout).events for rollout in (first, second))
    assert before[-1]["at"] <= after[0]["at"]
    assert live.base.desired().labels == {Label.PREVIOUS: 2, Label.STABLE: 3}


def test_a_newer_rollout_supersedes_the_running_one_where_the_plan_says_so(live, plan):
    first = start(live, 2, plan())
    live.run(lambda state: state.phase is Phase.RUNNING and state.windows > 0)
    second = start(live, 3, plan(on_running="supersede"), why="better")
    live.run()
    superseded = read_rollout(live.base, first).state
    assert superseded.outcome == "rolled_back"
    assert superseded.reason == "ann ordered to supersede: version 3 takes its place: better"
    assert (live.state.id, live.state.phase, live.state.stable) == (second, Phase.HOLDING, 1)
    assert live.base.desired().versions == (1, 3)


def test_what_is_being_promoted_is_not_superseded_any_more(live, plan):
    first = start(live, 2, plan(promotion="automatic"))
    live.run(lambda state: state.phase is Phase.PROMOTING)
    start(live, 3, plan(on_running="supersede"))
    live.run()
    assert read_rollout(live.base, first).state.outcome == "promoted"
    assert live.state.stable == 2


def test_a_waiting_rollout_can_be_aborted_and_has_changed_nothing(live, plan):
    start(live, 2, plan())
    waiting = start(live, 3, plan(on_running="queue"))
    send_order(live.base, waiting, "abort", by="ann", why="not needed")
    live.run(lambda state: list_rollouts(live.base)[0].decided)
    send_order(live.base, list_rollouts(live.base)[0].id, "promote", by="ann", why="good")
    final = live.run(lambda state: state.finished)
    assert (final.outcome, final.reason) == ("rolled_back", "ann ordered to abort: not needed")
    assert live.base.desired().stable == 2


def test_ids_sort_by_time_and_are_unique(live, plan):
    ids = [start(live, 2, plan(on_running="queue")) for _ in range(5)]
    assert ids == sorted(set(ids))
    assert all(rollout.endswith("-v2") for rollout in ids)


def test_an_unknown_rollout_is_refused(live, plan):
    with pytest.raises(NotFound, match="There is no rollout nope in model 'm'"):
        read_rollout(live.base, "nope")
    with pytest.raises(NotFound):
        send_order(live.base, "nope", "abort", by="ann", why="")


def test_an_order_that_does_not_fit_the_phase_is_refused(live, plan):
    rollout = start(live, 2, plan())
    live.run(lambda state: state.phase is Phase.RUNNING)
    with pytest.raises(Conflict, match=rf"The order to resume is refused: rollout {rollout} is in stage 1 of its plan\."):
        send_order(live.base, rollout, "resume", by="ann", why="impatient")
    with pytest.raises(InvalidInput, match="There is no order 'dance'"):
        send_order(live.base, rollout, "dance", by="ann", why="")  # type: ignore[arg-type]
    live.run()
    with pytest.raises(Conflict, match="holding, and waits to be promoted"):
        send_order(live.base, rollout, "approve", by="ann", why="nice")


def test_a_promotion_names_what_it_promotes_and_is_refused_when_that_has_changed(live, plan):
    rollout = start(live, 2, plan())
    state = live.run()
    right = Expectation.of(state)
    for wrong, sentence in (
        (Expectation(rollout, right.generation, "0000"), "meant for the model with digest 0000"),
        (Expectation(rollout, right.generation - 1, right.digest), "meant for generation"),
        (Expectation("another", right.generation, right.digest), "meant for rollout another"),
    ):
        with pytest.raises(Conflict, match=sentence):
            send_order(live.base, rollout, "promote", by="blessing", why="blessed", expect=wrong)
    send_order(live.base, rollout, "promote", by="blessing", why="blessed", expect=right)
    assert live.run(lambda state: state.finished).outcome == "promoted"


def test_of_two_orders_that_contradict_each_other_the_first_counts_and_the_other_one_is_told(live, plan):
    rollout = start(live, 2, plan())
    live.run()
    send_order(live.base, rollout, "rollback", by="ann", why="no")
    with pytest.raises(OrderWaiting, match=r"ann ordered to rollback at \d\d:\d\d:\d\d UTC \(no\)") as told:
        send_order(live.base, rollout, "promote", by="ben", why="yes")
    assert told.value.number == 1
    assert live.run(lambda state: state.finished).outcome == "rolled_back"
    assert [order.kind for order in read_rollout(live.base, rollout).orders] == ["rollback"]
    with pytest.raises(Conflict, match="is rolled back"):
        send_order(live.base, rollout, "promote", by="ben", why="yes")


def test_once_an_order_was_taken_up_the_next_one_may_come(live, plan):
    rollout = start(live, 2, plan())
    live.run(lambda state: state.phase is Phase.RUNNING)
    for kind in ("pause", "resume", "pause"):
        send_order(live.base, rollout, kind, by="ann", why="to look")
        live.run(lambda state: state.orders_done == len(read_rollout(live.base, rollout).orders))
    assert live.state.phase is Phase.PAUSED


def test_a_newer_rollout_supersedes_behind_an_order_that_waits(live, plan):
    first = start(live, 2, plan())
    live.run(lambda state: state.phase is Phase.RUNNING)
    send_order(live.base, first, "pause", by="ann", why="to look")
    second = start(live, 3, plan(on_running="supersede"))
    with pytest.raises(OrderWaiting):
        send_order(live.base, first, "promote", by="ben", why="quick")
    live.run()
    assert read_rollout(live.base, first).state.outcome == "rolled_back"
    assert (live.state.id, live.state.phase) == (second, Phase.HOLDING)


def test_an_order_about_a_revision_that_has_passed_is_refused(live, plan):
    rollout = start(live, 2, plan())
    live.run(lambda state: state.phase is Phase.RUNNING)
    record = read_rollout(live.base, rollout)
    seen = revision_of(record.state, record.orders)
    live.run(lambda state: state.windows > record.state.windows)
    with pytest.raises(StaleRevision, match=f"Rollout {rollout} of model 'm' is at revision e.*, not {seen}"):
        send_order(live.base, rollout, "abort", by="ann", why="no", revision=seen)
    now = read_rollout(live.base, rollout)
    send_order(live.base, rollout, "abort", by="ann", why="no", revision=revision_of(now.state, now.orders))
    assert revision_of(now.state, read_rollout(live.base, rollout).orders) != revision_of(now.state, now.orders)


def test_the_previous_version_comes_back_by_its_label_alone_and_the_return_can_be_undone(live, plan):
    start(live, 2, plan(promotion="automatic"))
    live.run(lambda state: state.finished)
    servers = dict(live.serving.servers)
    returned = rollback_to_previous(live.base, by="ann", why="complaints")
    assert returned.labels == {Label.PREVIOUS: 2, Label.STABLE: 1}
    live.tick()
    assert live.serving.servers == servers
    assert (returned.cause.by, returned.cause.why) == ("ann", "complaints")
    rollback_to_previous(live.base, by="ann", why="they were about the weather")
    assert live.base.desired().stable == 2


def test_without_a_previous_version_there_is_no_return(live, plan):
    with pytest.raises(
        Conflict, match=r"no previous version loaded to return to; roll out the version you want, one of \[1, 2, 3\]"
    ):
        rollback_to_previous(live.base, by="ann", why="")


def test_there_is_no_return_while_a_rollout_runs(live, plan):
    start(live, 2, plan())
    with pytest.raises(RolloutInProgress):
        rollback_to_previous(live.base, by="ann", why="")


def test_a_retry_of_a_version_that_was_rolled_back_is_held_to_a_stricter_alpha(live, plan):
    from tfx_rollout.testing import Behaviour

    live.canary(Behaviour(failures=0.3))
    thresholds = []
    for _ in range(2):
        start(live, 2, plan())
        state = live.run()
        assert state.outcome == "rolled_back"
        thresholds.append(state.verdict.threshold)
    assert (state.attempt, thresholds) == (1, [20.0, 40.0])


def test_waiting_ends_at_the_timeout_with_the_state_as_it_is(live, plan):
    rollout = start(live, 2, plan())
    assert await_rollout(live.base, rollout, timeout=0.0).phase is Phase.SUBMITTED
    live.run()
    assert await_rollout(live.base, rollout, timeout=0.0).phase is Phase.HOLDING
    assert running_rollout(live.base).id == rollout


def test_nothing_runs_where_nothing_was_started(live):
    assert running_rollout(live.base) is None
    assert list_rollouts(live.base) == []
