"""Conditions are decided by CEL, and what CEL cannot decide fails the task."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.condition import holds, select

INPUTS = {
    "parameterValues": {"word": "blessed", "yes": True, "number": 5.0, "list": [1.0], "dict": {"a": 1.0}},
    "artifacts": {"_Make.blessing": {"artifacts": [{"name": "3", "uri": "gs://b/x", "metadata": {"blessed": 1.0}}]}},
}
BLESSED = "inputs.artifacts['_Make.blessing'].artifacts[0].metadata['blessed']"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (f"{BLESSED} == 1.0", True),
        (f"{BLESSED} == 1", True),
        (f"{BLESSED} != 1", False),
        (f"!({BLESSED} == 1.0)", False),
        (f"{BLESSED} > 0.0 && {BLESSED} < 2.0", True),
        ("inputs.artifacts['_Make.blessing'].artifacts[0].uri == 'gs://b/x'", True),
        ("inputs.parameter_values['word'] == 'blessed'", True),
        ("inputs.parameter_values['word'] != 'blessed'", False),
        ("inputs.parameter_values['yes'] == true", True),
        ("inputs.parameter_values['yes'] == 'true'", False),
        ("inputs.parameter_values['word'] == 5", False),
        ("inputs.parameter_values['yes'] == 1.0", False),
        ("int(inputs.parameter_values['number']) == 5", True),
        ("inputs.parameter_values['number'] >= 5.5", False),
        ("parseJson('{\"a\": 1}')['a'] == 1", True),
        ("true || inputs.parameter_values['none'] == 1", True),
    ],
)
def test_it_is_decided_as_the_driver_decides_it(condition, expected):
    assert holds(condition, INPUTS) is expected


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("inputs.artifacts['_Make.blessing'].artifacts[0].metadata['pushed'] == 1.0", "no such key 'pushed'"),
        ("inputs.parameter_values['none'] == 'x'", "no such key 'none'"),
        ("inputs.nothing == 'x'", "cannot be decided"),
        ("inputs.parameter_values['word'] ==", "cannot be decided"),
        ("blessed == 1", "cannot be decided"),
        ("inputs.parameter_values['word'] > 5.0", "cannot be decided"),
        ("inputs.parameter_values['word']", "not true or false"),
        ("__import__('os')", "cannot be decided"),
    ],
)
def test_what_cannot_be_decided_is_a_fault_and_not_false(condition, said):
    with pytest.raises(TaskFault, match=said):
        holds(condition, INPUTS)


def test_a_selector_takes_a_part_of_a_parameter():
    assert select('{"a": [1, 2]}', 'parseJson(string_value)["a"]') == [1.0, 2.0]
    assert select({"a": True}, 'struct_value["a"]') is True
    with pytest.raises(TaskFault, match="the selector"):
        select("no json", 'parseJson(string_value)["a"]')
