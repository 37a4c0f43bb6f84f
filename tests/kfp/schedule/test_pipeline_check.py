"""What a pipeline's compiled form says against a schedule of it."""

from __future__ import annotations

import pytest

from tfx_rollout.kfp.schedule.pipeline_check import pipeline_faults


def spec(parameters=None, **tasks):
    return {"root": {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": parameters or {}}}}


CACHED = {"cachingOptions": {"enableCache": True}}


def test_a_cached_task_is_named_also_within_a_part_and_beside_a_platform():
    form = {**spec(train=CACHED, push={}), "components": {"comp-inner": {"dag": {"tasks": {"deep": CACHED}}}}}
    for given in (form, {"pipeline_spec": form, "platform_spec": {}}):
        (fault,) = pipeline_faults(given, {}, "taxi")
        assert fault.startswith("pipeline taxi answers deep, train from the cache, which a recurring run cannot switch off")


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("NUMBER_INTEGER", "5", "needs a whole number"),
        ("NUMBER_INTEGER", True, "needs a whole number"),
        ("NUMBER_INTEGER", 1.5, "needs a whole number"),
        ("NUMBER_INTEGER", "[[Index]]", "needs a whole number"),
        ("NUMBER_DOUBLE", "1", "needs a number"),
        ("STRING", 5, "needs a text"),
        ("BOOLEAN", "true", "needs true or false"),
        ("LIST", {}, "needs a list"),
        ("STRUCT", [], "needs a mapping"),
    ],
)
def test_a_parameter_of_another_kind_is_refused(kind, value, said):
    (fault,) = pipeline_faults(spec({"p": {"parameterType": kind}}), {"p": value}, "taxi")
    assert fault == f"parameters.p is {value!r}, but pipeline taxi {said}; correct it"


def test_missing_and_unknown_parameters_are_named():
    known = {"steps": {"parameterType": "NUMBER_INTEGER"}, "rate": {"defaultValue": 1}, "x": {"isOptional": True}}
    assert pipeline_faults(spec(known), {"step": 1}, "taxi") == [
        "parameters.step is none of pipeline taxi; did you mean 'steps'?",
        "parameters.steps is missing, which pipeline taxi needs; add it",
    ]


def test_what_fits_passes():
    known = {"i": {"parameterType": "NUMBER_INTEGER"}, "d": {"parameterType": "NUMBER_DOUBLE"}, "s": {"parameterType": "STRUCT"}}
    assert pipeline_faults(spec(known, train={}), {"i": 1, "d": 2, "s": {"a": 1}}, "taxi") == []
