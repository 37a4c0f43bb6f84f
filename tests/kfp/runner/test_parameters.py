"""Parameters of the run are checked as the server does, those of a task resolved as the driver does."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import InvalidPlan, TaskFault
from tfx_rollout.kfp.runner.locations import Locations
from tfx_rollout.kfp.runner.parameters import RunFacts, defaults_of, run_parameters, task_parameters
from tfx_rollout.kfp.runner.result import TaskState
from tfx_rollout.kfp.runner.scope import Outputs, Scope

NOWHERE = Locations({})
FACTS = RunFacts("the-uuid", "small-12345", "small now", "2026-01-01T00:00:00Z")
ROOT = {
    "inputDefinitions": {
        "parameters": {
            "steps": {"parameterType": "NUMBER_INTEGER", "defaultValue": 240},
            "data": {"parameterType": "STRING"},
            "maybe": {"parameterType": "STRING", "isOptional": True},
            "kind": {"parameterType": "STRING", "defaultValue": "a", "literals": ["a", "b"]},
        }
    }
}


def test_given_values_and_defaults_make_the_runs_parameters(tmp_path):
    locations = Locations({"/srv": tmp_path})
    assert run_parameters(ROOT, {"data": "/srv/data"}, locations, "x") == {
        "steps": 240.0,
        "data": f"{tmp_path}/data",
        "maybe": None,
        "kind": "a",
    }


def test_every_fault_of_the_runs_parameters_is_told_at_once():
    with pytest.raises(InvalidPlan) as refused:
        run_parameters(ROOT, {"steps": "many", "other": 1, "kind": "c"}, NOWHERE, "small.yaml")
    assert refused.value.what == "the set of parameters for small.yaml"
    assert refused.value.faults == (
        "other: the pipeline has no such parameter; it has: data, kind, maybe, steps",
        "steps: it is a string; give it a number",
        "data: it has no default and is not optional; give it a string",
        'kind: it is none of "a", "b"; give it one of these',
    )


@pytest.mark.parametrize(
    ("kind", "value"),
    [("STRING", 5), ("NUMBER_INTEGER", True), ("BOOLEAN", 1), ("LIST", {}), ("STRUCT", []), ("NUMBER_DOUBLE", float("nan"))],
)
def test_a_value_of_another_json_kind_is_refused(kind, value):
    with pytest.raises(InvalidPlan, match=r"^the set of parameters for x is not valid: p: .*; give it"):
        run_parameters({"inputDefinitions": {"parameters": {"p": {"parameterType": kind}}}}, {"p": value}, NOWHERE, "x")


def resolve(given: dict, declared: dict, scope: Scope | None = None, **component) -> dict:
    scope = scope or Scope(3, {"pipeline": 5.0, "null": None}, {})
    definitions = {"inputDefinitions": {"parameters": declared}, **component}
    return task_parameters("push", {"inputs": {"parameters": given}}, definitions, scope, FACTS, NOWHERE)


def constant(value) -> dict:
    return {"runtimeValue": {"constant": value}}


def test_values_come_from_constants_the_pipeline_and_other_tasks():
    scope = Scope(3, {"pipeline": 5.0}, {})
    scope.ended("gate", TaskState.SUCCEEDED, Outputs({"Output": True}))
    given = {
        "a": constant(7),
        "b": {"componentInputParameter": "pipeline"},
        "c": {"taskOutputParameter": {"producerTask": "gate", "outputParameterKey": "Output"}},
    }
    declared = {
        "a": {"parameterType": "NUMBER_INTEGER"},
        "b": {"parameterType": "NUMBER_DOUBLE"},
        "c": {"parameterType": "BOOLEAN"},
    }
    assert resolve(given, declared, scope) == {"a": 7.0, "b": 5.0, "c": True}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pipeline_job_uuid", "the-uuid"),
        ("pipeline_job_name", "small now"),
        ("pipeline_job_resource_name", "small-12345"),
        ("pipeline_task_name", "push"),
        ("pipeline_task_uuid", "3"),
        ("pipeline_job_create_time_utc", "2026-01-01T00:00:00Z"),
        ("pipeline_job_schedule_time_utc", "2026-01-01T00:00:00Z"),
    ],
)
def test_constants_that_name_the_run_are_known_where_they_stand_alone(name, value):
    placeholder = f"{{{{$.{name}}}}}"
    declared = {"p": {"parameterType": "STRING"}}
    assert resolve({"p": constant(placeholder)}, declared) == {"p": value}
    assert resolve({"p": constant(f"run {placeholder}")}, declared) == {"p": f"run {placeholder}"}, "as the driver leaves it"


def test_a_containers_default_is_the_launchers_matter_and_a_dags_is_given_to_it():
    declared = {"p": {"parameterType": "STRING", "isOptional": True, "defaultValue": "d"}}
    assert resolve({}, declared) == {}
    assert defaults_of({"inputDefinitions": {"parameters": declared}}, NOWHERE) == {"p": "d"}
    assert resolve({}, declared, dag={}) == {"p": "d"}
    assert resolve({}, {"p": {"parameterType": "LIST", "isOptional": True}}, dag={}) == {"p": None}


def test_null_is_left_out_of_an_optional_parameter_and_fails_another_one():
    given = {"p": {"componentInputParameter": "null"}}
    assert resolve(given, {"p": {"parameterType": "STRING", "isOptional": True}}) == {}
    with pytest.raises(TaskFault, match="'p' takes the parameter 'null', which is null"):
        resolve(given, {"p": {"parameterType": "STRING"}})


def test_a_string_parameter_takes_everything_and_no_other_one_takes_another_kind():
    assert resolve({"p": constant([1, True])}, {"p": {"parameterType": "STRING"}}) == {"p": "[1,true]"}
    with pytest.raises(TaskFault, match="'p' must be a number, but is a string"):
        resolve({"p": constant("5")}, {"p": {"parameterType": "NUMBER_INTEGER"}})
    with pytest.raises(TaskFault, match="'p' must be a number, but is a bool"):
        resolve({"p": constant(True)}, {"p": {"parameterType": "NUMBER_INTEGER"}})


def test_null_from_elsewhere_fails_the_task():
    with pytest.raises(TaskFault, match="'p' is null"):
        resolve({"p": constant(None)}, {"p": {"parameterType": "STRING"}})


def test_a_loop_is_not_asked_for_the_item_of_its_rounds():
    definitions = {"dag": {}, "inputDefinitions": {"parameters": {"item": {"parameterType": "STRING"}}}}
    task = {"parameterIterator": {"itemInput": "item", "items": {"raw": "[]"}}}
    assert task_parameters("loop", task, definitions, Scope(1, {}, {}), FACTS, NOWHERE) == {}


def test_what_is_nowhere_fails_the_task():
    with pytest.raises(TaskFault, match="neither a value nor a default"):
        resolve({}, {"p": {"parameterType": "STRING"}})
    with pytest.raises(TaskFault, match="'other', which its DAG does not have"):
        resolve({"p": {"componentInputParameter": "other"}}, {"p": {"parameterType": "STRING"}})
    scope = Scope(3, {}, {})
    scope.ended("gate", TaskState.SUCCEEDED, Outputs({"Output": True}))
    with pytest.raises(TaskFault, match="the task gate has no output parameter 'x'; it gave: Output"):
        resolve({"p": {"taskOutputParameter": {"producerTask": "gate", "outputParameterKey": "x"}}}, {}, scope)
    with pytest.raises(TaskFault, match="a source that open-source KFP does not know"):
        resolve({"p": {"runtimeValue": {"constantValue": {}}}}, {})
