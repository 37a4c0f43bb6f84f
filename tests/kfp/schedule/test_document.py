"""Files that declare recurring runs: what is read, and every trap that is refused before a server is asked. Needs no kfp."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone

import pytest
import yaml

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.schedule import json_schema, load_schedules, schedules_from_dict
from tfx_rollout.kfp.schedule.wanted import PipelineChoice

USUAL = {"name": "a", "cron": "0 30 2 * * *", "pipeline": {"name": "taxi"}, "pipeline_root": "gs://b/x", "experiment": "e"}


def read(**change):
    schedule = {key: value for key, value in {**USUAL, **change}.items() if value is not None}
    return schedules_from_dict({"schedules": [schedule]})[1][0]


def test_a_file_is_read(tmp_path):
    document = """
namespace: ann
experiment: taxi
schedules:
  - name: nightly
    cron: "0 30 2 * * *"
    start: 2027-01-01T00:00:00Z
    pipeline: {name: taxi, version: v2}
    pipeline_root: gs://bucket/taxi
    parameters: {until: "[[ScheduledTime]]", n: 5}
"""
    (tmp_path / "s.yaml").write_text(document)
    namespace, (wanted,) = load_schedules(tmp_path / "s.yaml")
    assert (namespace, wanted.experiment) == ("ann", "taxi")
    assert wanted.pipeline == PipelineChoice("taxi", None, "v2", None)
    assert wanted.trigger.start == datetime(2027, 1, 1, tzinfo=timezone.utc)
    assert wanted.parameters == {"until": "[[ScheduledTime]]", "n": 5}
    assert (wanted.enabled, wanted.service_account) == (True, None)


def test_by_default_it_follows_the_latest_version():
    assert read().pipeline.version == "latest"
    assert read(pipeline={"id": "x", "version_id": "y"}).pipeline == PipelineChoice(None, "x", None, "y")


TRAPS = [
    ({"cron": "0 2 * * *"}, "has five fields; Kubeflow Pipelines reads seconds first, so that each would shift by one"),
    ({"cron": "TZ=CET 0 0 2 * * *"}, "names a time zone"),
    (
        {"timezone": "Europe/Berlin"},
        "schedules[0].timezone 'Europe/Berlin' is refused: schedules run in UTC, whatever the season",
    ),
    ({"start": "2027-01-01T02:00:00+02:00"}, "is in another zone than UTC; write '2027-01-01T00:00:00Z'"),
    ({"max_concurrency": 2}, "schedules[0].max_concurrency 2 is refused: two runs at once would train the same model twice"),
    ({"max_concurrency": True}, "schedules[0].max_concurrency True is refused"),
    ({"catch_up": True}, "schedules[0].catch_up True is refused: after a pause Kubeflow Pipelines would start every run"),
    ({"caching": True}, "schedules[0].caching True is refused: a retraining that is answered from the cache trains nothing"),
    ({"interval_seconds": 60}, "schedules[0] has both cron and interval_seconds"),
    ({"cron": None}, "schedules[0] has neither cron nor interval_seconds"),
    ({"cron": None, "interval_seconds": 0}, "schedules[0].interval_seconds is 0, but must be at least 1"),
    ({"cron": None, "interval_seconds": 1.5}, "schedules[0].interval_seconds is 1.5, but must be a whole number"),
    ({"pipeline_root": None}, "schedules[0].pipeline_root is missing; add it"),
    ({"pipeline_root": "/mnt/x"}, "schedules[0].pipeline_root '/mnt/x' is no place that Kubeflow Pipelines can write to"),
    ({"pipeline_root": "gs://"}, "schedules[0].pipeline_root 'gs://' is no place"),
    ({"experiment": None}, "schedules[0].experiment is missing, and the file names none; add it"),
    ({"pipeline": {}}, "schedules[0].pipeline must have either a name or an id"),
    ({"pipeline": {"name": "a", "id": "b"}}, "schedules[0].pipeline must have either a name or an id"),
    ({"pipeline": {"name": "a", "version": "v", "version_id": "w"}}, "schedules[0].pipeline has both version and version_id"),
    ({"name": " "}, "schedules[0].name ' ' is empty; give a text"),
    ({"parameters": {"a": "[[ScheduleTime]]"}}, "did you mean [[ScheduledTime]]?"),
    ({"parameters": {"a": "[[scheduledtime]]"}}, "did you mean [[ScheduledTime]]?"),
    ({"parameters": {"a": "[[Date]]"}}, "which Kubeflow Pipelines does not know and would leave as it is"),
    ({"parameters": {"a": "[[ScheduledTime.%Y]]"}}, "write {{$.scheduledTime.strftime('%Y')}} for a strftime one"),
    ({"parameters": {"a": "[[ScheduledTime.day]]"}}, "so that it would be the same in each run"),
    ({"parameters": {"a": "{{$.scheduledTime}}"}}, "write {{$.scheduledTime.strftime('%Y%m%d')}}"),
    ({"parameters": {"a": ["[[Index]]"]}}, "within a list or mapping, where Kubeflow Pipelines does not expand it"),
    ({"parameters": {"a": {"b": {"c": "x[[Index]]"}}}}, "the macro '[[Index]]' within a list or mapping"),
    ({"parameters": {"a": float("nan")}}, "schedules[0].parameters.a is nan, which is no JSON value; correct it"),
    ({"cache_key": "x"}, "schedules[0].cache_key is an unknown key"),
]


@pytest.mark.parametrize(("change", "said"), TRAPS)
def test_each_trap_is_refused_with_its_place_and_mend(change, said):
    with pytest.raises(InvalidPlan) as fault:
        read(**change)
    assert said in str(fault.value)


@pytest.mark.parametrize(
    "macro",
    [
        "[[ScheduledTime]]",
        "v-[[ScheduledTime.20060102150405]]-x",
        "[[CurrentTime.2006-01-02T15:04:05Z]]",
        "[[Index]] of [[RunUUID]]",
        "{{$.scheduledTime.strftime('%Y-%m-%d')}}",
        "no macro [ScheduledTime] at all",
    ],
)
def test_macros_that_kubeflow_pipelines_expands_pass(macro):
    assert read(parameters={"a": macro}).parameters == {"a": macro}


def test_a_date_that_yaml_reads_as_one_is_no_parameter():
    with pytest.raises(
        InvalidPlan, match=r"parameters\.day is datetime\.date\(2027, 1, 1\), which is no JSON value; put it in quotes"
    ):
        read(parameters=yaml.safe_load("day: 2027-01-01"))


def test_faults_of_all_schedules_are_said_at_once():
    with pytest.raises(InvalidPlan) as fault:
        schedules_from_dict({"schedules": [{**USUAL, "cron": "0 2 * * *", "catch_up": True}, {**USUAL, "pipeline_root": "x"}]})
    assert len(fault.value.faults) == 4
    assert "schedules[1].name is 'a', as of schedules[0]; give each schedule a name of its own" in fault.value.faults


def test_the_schema_is_json_and_names_every_field():
    schema = json.loads(json.dumps(json_schema()))
    assert set(schema["$defs"]["ScheduleSection"]["properties"]) == {
        *("name", "description", "experiment", "pipeline", "pipeline_root", "parameters", "service_account", "enabled"),
        *("cron", "interval_seconds", "timezone", "start", "end", "max_concurrency", "catch_up", "caching"),
    }


def test_reading_a_file_and_importing_the_part_loads_no_kfp():
    code = (
        "import sys, tfx_rollout.kfp.schedule as s; before = 'pydantic' in sys.modules; s.load_schedules; "
        "print(before, 'kfp' in sys.modules, 'kfp_server_api' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"] * 3
