"""Whole A/B tests, from the order to the end."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import (
    Conflict,
    ExperimentInProgress,
    InvalidInput,
    NotFound,
    OrderWaiting,
    RolloutInProgress,
    StaleRevision,
)
from tfx_rollout.evidence.feedback import append_feedback
from tfx_rollout.experiment import ArmState, build_experiment_report, render_experiment_text
from tfx_rollout.experiment.machine import ExperimentPhase
from tfx_rollout.rollout import plan_from_dict, revision_of, rollback_to_previous, start_rollout
from tfx_rollout.testing.users import Habit
from tfx_rollout.traffic import Cause, DesiredState, Label, Split, Sticky, Track

B, C = Track.VARIANT_B, Track.VARIANT_C


def test_a_better_variant_wins_and_becomes_live(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.05), B: Habit(yes=0.4)}
    world.start(plan(on_decision="promote"))
    state = world.run()
    assert (state.outcome, state.winner, state.promoted) == ("winner", B, 2)
    assert world.events == ["begin", "ready", "promote", "applied"]
    desired = world.base.desired()
    assert (desired.stable, desired.previous, desired.variants, desired.split) == (2, 1, {}, Split())
    assert "Version 2 (variant-b) is better than version 1: conversion " in state.reason


def test_by_default_the_live_version_gets_its_traffic_back_when_a_variant_has_won(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.05), B: Habit(yes=0.4)}
    world.start(plan())
    state = world.run()
    assert (state.outcome, state.winner, state.promoted) == ("winner", B, None)
    assert world.base.desired().labels == {Label.STABLE: 1}


def test_while_it_runs_users_are_split_by_the_header_and_the_test_is_the_salt(world, plan):
    name = world.start(plan(variants=[{"version": 2, "share": 0.3}, {"version": 3, "share": 0.2}]))
    world.run(lambda state: state.phase is ExperimentPhase.RUNNING)
    desired = world.base.desired()
    assert desired.sticky == Sticky("x-user-id", name)
    assert desired.variants == {B: 2, C: 3}
    assert desired.split == Split.among({B: 0.3, C: 0.2})


def test_a_held_split_stays_until_a_person_promotes(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.05), B: Habit(yes=0.4)}
    world.start(plan(on_decision="hold"))
    state = world.run(lambda state: state.decided)
    assert state.phase is ExperimentPhase.HOLDING
    for _ in range(20):
        world.tick()
    assert world.base.desired().split == Split.among({B: 0.4})
    world.order("promote", variant="variant-b")
    state = world.run()
    assert (state.outcome, state.winner, state.promoted) == ("winner", B, 2)


def test_a_worse_variant_is_dropped_and_the_other_goes_on(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.4), B: Habit(yes=0.02), C: Habit(yes=0.4)}
    world.start(plan(variants=[{"version": 2, "share": 0.3}, {"version": 3, "share": 0.3}]))
    state = world.run(lambda state: state.dropped != ())
    assert (state.dropped, state.phase) == ((B,), ExperimentPhase.RUNNING)
    assert "is worse than version 1" in state.reason
    assert world.base.desired().split == Split.among({C: 0.3})
    assert 2 not in world.base.desired().versions
    assert world.base.desired().variants == {B: 1, C: 3}, "the track stays, so that nobody else is drawn anew"
    frozen = state.verdict.arms[B]
    windows = state.windows
    state = world.run(lambda state: state.windows > windows + 5)
    assert state.verdict.arms[B].evidence_worse == pytest.approx(frozen.evidence_worse, rel=0.5)
    assert state.verdict.arms[C].state is ArmState.OPEN


def test_without_any_variant_left_the_live_version_has_won(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.4), B: Habit(yes=0.02)}
    world.start(plan())
    state = world.run()
    assert (state.outcome, state.winner) == ("control", None)
    assert world.base.desired().labels == {Label.STABLE: 1}


def test_a_variant_that_fails_is_stopped_whatever_the_metric_says(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.05), B: Habit(yes=0.9, failures=0.5)}
    world.start(plan(metric={"within_seconds": 2400}))
    state = world.run()
    assert (state.outcome, state.matured) == ("control", 0)
    assert state.verdict.arms[B].state is ArmState.HARMFUL
    assert "fails more often than version 1" in state.reason


def test_harm_ends_even_a_held_split(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.05), B: Habit(yes=0.4)}
    world.start(plan(on_decision="hold"))
    world.run(lambda state: state.decided)
    world.users.habits = {Track.STABLE: Habit(), B: Habit(failures=0.7)}
    state = world.run()
    assert state.outcome == "control"


def test_without_a_decision_the_test_ends_at_its_date_with_the_interval_that_is_left(world, plan):
    world.start(plan(max_days=200 / 86_400, alpha=0.0001))
    state = world.run()
    assert state.outcome == "inconclusive"
    assert "What is left: Version 2 (variant-b): odds ratio" in state.reason
    assert world.base.desired().labels == {Label.STABLE: 1}


def test_a_person_stops_it(world, plan):
    world.start(plan())
    world.run(lambda state: state.windows > 2)
    world.order("stop")
    state = world.run()
    assert (state.outcome, state.reason) == ("stopped", "ben ordered to stop: enough")


def test_stopped_before_it_began_nothing_was_changed(world, plan):
    before = world.base.desired()
    world.start(plan())
    world.order("stop")
    assert world.run().outcome == "stopped"
    assert world.base.desired() == before


def test_a_variant_that_does_not_load_fails_the_test_and_nothing_else(world, plan):
    world.serving.broken = {2}
    for server in world.serving.servers.values():
        server.broken = {2}
    world.start(plan())
    state = world.run()
    assert state.outcome == "failed"
    assert "version 2 does not load on m" in state.reason
    assert world.serving.answers(Track.STABLE) == 1


def test_somebody_elses_change_of_the_traffic_ends_it(world, plan):
    world.start(plan())
    world.run(lambda state: state.windows > 1)
    other = DesiredState("m", versions=(3,), labels={Label.STABLE: 3}, cause=Cause("eve", "an emergency"))
    world.base.write_desired(other, expected=world.base.desired().generation)
    state = world.run()
    assert state.outcome == "failed"
    assert world.base.desired().stable == 3


def test_what_is_held_beside_it_may_change_and_stays(world, plan):
    world.start(plan())
    world.run(lambda state: state.windows > 1)
    now = world.base.desired()
    world.base.write_desired(now.change(versions=(*now.versions, 4), pinned=(4,)), expected=now.generation)
    world.tick()
    world.order("stop")
    assert world.run().outcome == "stopped"
    assert (world.base.desired().versions, world.base.desired().pinned) == ((1, 4), (4,))


@pytest.mark.parametrize("kind", ["binary", "number"])
def test_it_is_judged_by_right_and_wrong_and_by_numbers_too(world, plan, kind):
    world.users.habits = {
        Track.STABLE: Habit(yes=0.5, mean=2.5, says=0.6),
        B: Habit(yes=0.9, mean=3.5, says=0.6),
    }
    metric = (
        {"name": "correct", "kind": "binary"} if kind == "binary" else {"name": "rating", "kind": "number", "low": 1, "high": 5}
    )
    world.start(plan(metric=metric))
    state = world.run()
    assert (state.outcome, state.winner) == ("winner", B)
    control = state.verdict.arms[Track.STABLE]
    assert 0 < control.outcomes < control.users


def test_where_lower_is_better_a_lower_value_wins(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.4), B: Habit(yes=0.05)}
    world.start(plan(metric={"better": "lower"}))
    assert world.run().winner is B


def test_users_who_come_to_the_arms_otherwise_than_they_were_split_let_the_metric_decide_nothing(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.1), B: Habit(yes=0.2)}
    world.users.place = lambda user: 0.99 if user % 2 else 0.01 * (user % 100)
    world.start(plan(max_days=400 / 86_400))
    state = world.run()
    assert state.outcome == "inconclusive"
    assert state.verdict.guards["split"].raised
    assert "that the arms cannot be compared" in state.reason


def test_requests_without_the_header_are_told_and_not_counted(world, plan):
    world.users.nameless = 0.5
    world.start(plan())
    world.run(lambda state: state.windows > 5)
    record = world.record
    report = build_experiment_report(record)
    assert report["unassigned"] > 20
    counted = sum(arm.requests for window in record.windows for arm in window.arms.values())
    assert 0.3 < report["unassigned"] / (counted + report["unassigned"]) < 0.7


def test_a_gap_is_one_void_window_and_its_users_are_never_counted(world, plan):
    world.start(plan())
    world.run(lambda state: state.windows > 3)
    now = world.clock.now()
    world.users.gaps.append((now, now + 60))
    world.clock.advance(70)
    world.run(lambda state: state.judged_until > now + 80)
    void = [window for window in world.record.windows if window.void]
    assert len(void) == 1
    assert void[0].end - void[0].start >= 60
    assert [window.number for window in world.record.outcomes if window.number == void[0].number] == []


def test_a_jump_of_the_clock_is_a_void_window(world, plan):
    world.start(plan())
    world.run(lambda state: state.windows > 3)
    world.clock.jump(500)
    world.said_until = world.clock.now()
    world.tick()
    assert world.record.windows[-1].void
    void = world.state.windows
    world.run(lambda state: state.windows > void + 2)


def test_one_rollout_or_test_at_a_time(world, plan):
    world.start(plan())
    rollout = plan_from_dict({"stages": [{"share": 0.1}]})
    for refused in (
        lambda: world.start(plan()),
        lambda: start_rollout(world.base, 3, rollout, by="x", why="y"),
        lambda: rollback_to_previous(world.base, by="x", why="y"),
    ):
        with pytest.raises(ExperimentInProgress, match="quick"):
            refused()
    world.order("stop")
    world.run()
    start_rollout(world.base, 3, rollout, by="x", why="y")
    with pytest.raises(RolloutInProgress):
        world.start(plan())


def test_what_cannot_be_tested_is_refused(world, plan):
    with pytest.raises(NotFound, match="version 9"):
        world.start(plan(variants=[{"version": 9, "share": 0.5}]))
    with pytest.raises(Conflict, match="is the control already"):
        world.start(plan(variants=[{"version": 1, "share": 0.5}]))
    with pytest.raises(InvalidInput, match="past"):
        world.start(plan(max_days=None, until="2020-01-01"))


def test_of_orders_at_once_one_counts(world, plan):
    world.start(plan())
    world.run(lambda state: state.phase is ExperimentPhase.RUNNING)
    with pytest.raises(StaleRevision):
        world.order("stop", revision="e0w0m0o0")
    with pytest.raises(Conflict, match="generation 1"):
        world.order("stop", expect=1)
    with pytest.raises(Conflict, match="variant-c is not in the test"):
        world.order("promote", variant="variant-c")
    world.order("stop", revision=revision_of(world.state, []), expect=world.state.generation)
    with pytest.raises(OrderWaiting):
        world.order("promote", variant=B)
    world.run()
    with pytest.raises(Conflict, match="is ended"):
        world.order("stop")


def test_a_value_out_of_the_running_tests_bounds_is_refused_when_it_comes(world, plan):
    world.start(plan(metric={"name": "rating", "kind": "number", "low": 1, "high": 5}))
    bad = [{"request_id": "a", "metric": "rating", "value": 6}]
    with pytest.raises(InvalidInput, match="6 for rating, which is not between 1 and 5"):
        append_feedback(world.base, bad)
    append_feedback(world.base, [{"request_id": "a", "metric": "stars", "value": 6}])
    world.order("stop")
    world.run()
    append_feedback(world.base, bad)


def test_the_report_tells_it_as_data_and_as_text(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.2), B: Habit(yes=0.4)}
    world.start(plan())
    world.run()
    report = build_experiment_report(world.record)
    assert (report["outcome"], report["winner"], report["effect"]) == ("winner", "variant-b", "odds_ratio")
    stable, variant = report["arms"]
    assert variant["state"] == "better"
    assert 1 < variant["low"] < variant["estimate"] < variant["high"]
    assert variant["evidence_better"] >= report["threshold"] == 20
    series = report["series"]
    assert {len(column) for column in series["evidence"]["better"].values()} == {len(series["evidence"]["at"])}
    assert sum(sum(column) for column in series["windows"]["users"].values()) == stable["users"] + variant["users"]
    assert series["evidence"]["better"]["variant-b"][-1] == variant["evidence_better"]
    text = render_experiment_text(report)
    assert "Outcome   winner, variant-b" in text
    assert "better" in text.splitlines()[-1]
