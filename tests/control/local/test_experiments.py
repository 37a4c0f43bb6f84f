"""A/B tests through the control: one thing at a time of a model, one order at a time of a test."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.control.documents import ConfigurationWanted, ExperimentOrderWanted, ExperimentWanted
from tfx_rollout.errors import (
    Conflict,
    ExperimentInProgress,
    InvalidInput,
    InvalidPlan,
    NotFound,
    OrderWaiting,
    RolloutInProgress,
    StaleRevision,
)

PLAN = {
    "name": "ranking",
    "header": "x-user-id",
    "variants": [{"version": 2, "share": 0.3}, {"version": 3, "share": 0.3}],
    "metric": {"name": "conversion", "kind": "event", "better": "higher", "within_seconds": 60},
    "max_days": 1,
}
WANTED = ExperimentWanted(plan=PLAN, why="does it sell more?")


def test_a_test_is_started_told_and_listed(control):
    started = control.start_experiment("taxi", WANTED)
    assert (started.name, started.phase, started.finished, started.by) == ("ranking", "submitted", False, "ann")
    assert (started.metric, started.header) == ("conversion", "x-user-id")
    assert [(arm["track"], arm["version"], arm["share"]) for arm in started.arms] == [
        ("stable", None, 0.4),
        ("variant-b", 2, 0.3),
        ("variant-c", 3, 0.3),
    ]
    assert started.until == pytest.approx(started.created_at + 86_400)
    assert control.experiment("taxi", started.id) == started == control.model("taxi").experiment
    listed = control.experiments("taxi")
    assert (listed.total, listed.experiments) == (1, [started])
    report = control.experiment_report("taxi", started.id)
    assert (report["experiment"], report["outcome"]) == (started.id, "running")
    json.dumps(report, allow_nan=False)


def test_nothing_else_begins_or_moves_traffic_beside_it(control, base, wanted):
    started = control.start_experiment("taxi", WANTED)
    before = base.desired()
    for act in (
        lambda: control.start_experiment("taxi", WANTED),
        lambda: control.start_rollout("taxi", wanted(2)),
        lambda: control.configure("taxi", ConfigurationWanted(topology="shared")),
        lambda: control.roll_back("taxi", why="x", dry_run=True),
    ):
        with pytest.raises(ExperimentInProgress, match=started.id):
            act()
    assert base.desired() == before


def test_it_does_not_begin_beside_a_rollout_and_not_by_a_bad_plan(control, wanted):
    with pytest.raises(InvalidPlan):
        control.start_experiment("taxi", ExperimentWanted(plan={**PLAN, "variants": []}))
    with pytest.raises(NotFound, match="There is no version 9"):
        control.start_experiment("taxi", ExperimentWanted(plan={**PLAN, "variants": [{"version": 9, "share": 0.5}]}))
    control.start_rollout("taxi", wanted(2))
    with pytest.raises(RolloutInProgress):
        control.start_experiment("taxi", WANTED)
    assert control.experiments("taxi").total == 0


def test_of_orders_one_waits_at_a_time_and_names_the_revision_it_is_about(control, asked_by):
    started = control.start_experiment("taxi", WANTED)
    assert started.possible_orders == ["stop"]
    stop = ExperimentOrderWanted(kind="stop", why="enough")
    with pytest.raises(StaleRevision):
        control.order_experiment("taxi", started.id, stop, expected="e9")
    with pytest.raises(Conflict):
        control.order_experiment("taxi", started.id, ExperimentOrderWanted(kind="promote", variant="variant-b"))
    with pytest.raises(InvalidInput):
        control.order_experiment("taxi", started.id, ExperimentOrderWanted(kind="promote", variant="variant-z"))
    ordered = control.order_experiment("taxi", started.id, stop, expected=started.revision)
    assert (ordered.possible_orders, ordered.revision != started.revision) == ([], True)
    with pytest.raises(OrderWaiting):
        asked_by("ben").order_experiment("taxi", started.id, stop)


def test_plans_are_checked_and_told_with_their_defaults_and_unknown_tests_are_not_found(control):
    checked = control.check_experiment(PLAN)
    assert (checked.name, checked.document["alpha"]) == ("ranking", 0.05)
    assert control.check_experiment(checked.document) == checked
    for ask in (control.experiment, control.experiment_report):
        with pytest.raises(NotFound, match="There is no A/B test nope"):
            ask("taxi", "nope")
    with pytest.raises(NotFound):
        control.order_experiment("taxi", "../rollouts", ExperimentOrderWanted(kind="stop"))


def test_a_version_that_a_test_is_about_is_not_removed(control, base):
    control.start_experiment("taxi", WANTED)
    with pytest.raises(Conflict):
        control.retire("taxi", 2, why="old")
    assert base.versions() == [1, 2, 3]
