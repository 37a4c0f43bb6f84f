"""Recurring runs through the real `kfp.Client` against a server of the published API."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import HalfApplied
from tfx_rollout.kfp.schedule import apply, plan

pytestmark = pytest.mark.integration


def test_a_schedule_is_made_as_it_is_declared(kubeflow, server, declare):
    schedules = declare(
        parameters={"n": 500, "rate": 0.5, "until": "[[ScheduledTime]]", "flags": {"deep": [1, True]}},
        description="Every night.",
        service_account="trainer",
        start="2027-01-01T00:00:00Z",
    )
    (applied,) = apply(server, schedules)
    run = kubeflow.the_one("nightly")
    assert (applied.kind, applied.id) == ("create", run.recurring_run_id)
    assert run.mode == "ENABLE"
    assert run.trigger.cron_schedule.cron == "0 30 2 * * *"
    assert run.trigger.cron_schedule.start_time.isoformat() == "2027-01-01T00:00:00+00:00"
    assert (run.max_concurrency, run.no_catchup) == ("1", True)
    assert run.runtime_config.pipeline_root == "gs://bucket/taxi"
    assert run.runtime_config.parameters["until"] == "[[ScheduledTime]]"
    assert run.description.startswith("Every night.")
    assert run.service_account == "trainer"
    assert kubeflow.experiments[run.experiment_id].display_name == "taxi"


def test_it_starts_nothing_before_it_was_read_back(kubeflow, server, declare):
    apply(server, declare())
    assert kubeflow.changes() == ["create_experiment", "create_recurring_run", "enable_recurring_run"]
    assert kubeflow.states[1] == {"nightly": [False]}
    assert kubeflow.calls.index("get_recurring_run") < kubeflow.calls.index("enable_recurring_run")


def test_a_second_apply_does_nothing(kubeflow, server, declare):
    schedules = declare(
        "a", "b", "c", "d", "e", parameters={"n": 3, "flags": {"y": [1, 2.5, None]}}, interval_seconds=3600, cron=None
    )
    apply(server, schedules)
    before = list(kubeflow.changes())
    assert [applied.kind for applied in apply(server, schedules)] == ["unchanged"] * 5
    assert kubeflow.changes() == before


CHANGES = {
    "cron": {"cron": "0 0 3 * * *"},
    "interval": {"cron": None, "interval_seconds": 3600},
    "start": {"start": "2027-01-01T00:00:00Z"},
    "end": {"end": "2037-01-01T00:00:00Z"},
    "pipeline_root": {"pipeline_root": "s3://other"},
    "parameter": {"parameters": {"n": 4}},
    "parameter added": {"parameters": {"n": 3, "flags": {"deep": True}}},
    "parameter taken away": {"parameters": {}},
    "description": {"description": "other"},
    "service account": {"service_account": "other"},
    "service account, the server's": {"service_account": None},
    "version pinned": {"pipeline": {"name": "taxi", "version": "v1"}},
    "experiment": {"experiment": "other"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_replaces_it_and_never_are_two_enabled_nor_none_there(kubeflow, server, declare, change):
    usual = {"parameters": {"n": 3}, "service_account": "trainer"}
    apply(server, declare(**usual))
    old = kubeflow.the_one("nightly").recurring_run_id
    kubeflow.states.clear()
    (applied,) = apply(server, declare(**{**usual, **CHANGES[change]}))
    assert applied.kind == "replace"
    assert kubeflow.the_one("nightly").recurring_run_id == applied.id != old
    assert kubeflow.the_one("nightly").mode == "ENABLE"
    assert all(sum(state["nightly"]) <= 1 for state in kubeflow.states if state)
    assert all(state["nightly"] for state in kubeflow.states if state)
    assert [applied.kind for applied in apply(server, declare(**{**usual, **CHANGES[change]}))] == ["unchanged"]


@pytest.mark.parametrize("pipeline", [{"name": "taxi"}, {"name": "taxi", "version": "v1"}])
def test_the_account_that_the_server_fills_in_is_no_difference(kubeflow, server, declare, pipeline):
    apply(server, declare(pipeline=pipeline))
    assert [applied.kind for applied in apply(server, declare(pipeline=pipeline))] == ["unchanged"]


def test_the_latest_version_is_no_version_and_a_pinned_one_is_its_id(kubeflow, server, declare):
    apply(server, declare("latest") + declare("pinned", pipeline={"name": "taxi", "version": "v1"}))
    assert kubeflow.the_one("latest").pipeline_version_reference.pipeline_version_id is None
    assert kubeflow.the_one("pinned").pipeline_version_reference.pipeline_version_id == "pipeline-1-v1"
    kubeflow.add_version("pipeline-1", "v3")
    again = apply(server, declare("latest") + declare("pinned", pipeline={"name": "taxi", "version": "v1"}))
    assert [applied.kind for applied in again] == ["unchanged", "unchanged"]


def test_enabled_false_makes_it_disabled_and_turns_off_one_that_is_on_without_making_it_anew(kubeflow, server, declare):
    apply(server, declare("off", enabled=False))
    assert kubeflow.the_one("off").mode == "DISABLE"
    apply(server, declare())
    id = kubeflow.the_one("nightly").recurring_run_id
    assert [a.kind for a in apply(server, declare(enabled=False))] == ["disable"]
    assert [a.kind for a in apply(server, declare(enabled=True))] == ["enable"]
    assert kubeflow.the_one("nightly").recurring_run_id == id


def test_a_plan_says_all_and_changes_nothing(kubeflow, server, declare):
    apply(server, declare())
    before = list(kubeflow.changes())
    (change,) = plan(server, declare(cron="0 0 3 * * *", parameters={"n": 1}))
    lines = change.lines()
    assert lines[0] == "nightly: replace (cron 0 0 3 * * *; taxi, version latest)"
    assert "  cron: '0 30 2 * * *' → '0 0 3 * * *'" in lines
    assert "  parameters.n: absent → 1" in lines
    assert [step.action.value for step in change.steps.steps] == ["create", "disable", "enable", "delete"]
    assert kubeflow.changes() == before


# What was killed on the way


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("done", range(4))
def test_a_replacement_that_breaks_off_at_any_step_is_completed_by_the_next_apply(kubeflow, server, declare, done, drop):
    apply(server, declare())
    kubeflow.states.clear()
    kubeflow.fail("*", drop=drop, skip=done)
    if (done, drop) == (3, "after"):
        apply(server, declare(cron="0 0 3 * * *"))  # a deletion is asked for again, and finds it done
    else:
        with pytest.raises(
            HalfApplied, match=r"applied nothing, not applied nightly .*apply the file again, which does the rest\."
        ):
            apply(server, declare(cron="0 0 3 * * *"))
    kubeflow.faults.clear()
    apply(server, declare(cron="0 0 3 * * *"))
    assert kubeflow.the_one("nightly").trigger.cron_schedule.cron == "0 0 3 * * *"
    assert kubeflow.the_one("nightly").mode == "ENABLE"
    assert all(sum(state["nightly"]) <= 1 and state["nightly"] for state in kubeflow.states)
