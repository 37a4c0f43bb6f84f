"""What a loop goes over, and what comes of its rounds."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.artifacts import Artifact
from tfx_rollout.kfp.runner.loop import collected, item_input, rounds
from tfx_rollout.kfp.runner.scope import Outputs


def loop(items: dict) -> dict:
    return {"parameterIterator": {"itemInput": "item", "items": items}}


def test_a_constant_list_and_a_given_one_make_a_round_for_each_item():
    assert rounds(loop({"raw": "[1, {}]"}), {"other": "x"}) == [{"other": "x", "item": 1.0}, {"other": "x", "item": {}}]
    given = loop({"inputParameter": "list"})
    assert rounds(given, {"list": ["a", "b"], "other": "x"}) == [{"other": "x", "item": "a"}, {"other": "x", "item": "b"}]
    assert rounds(given, {"list": '["a"]'}) == [{"item": "a"}], "a list as text is one, too"
    assert rounds(given, {"list": []}) == []


@pytest.mark.parametrize(
    ("value", "said"), [({}, "but got an object"), ("no", "which is no JSON"), ("5", "but got a number"), (None, "null")]
)
def test_what_is_no_list_fails_the_task(value, said):
    with pytest.raises(TaskFault, match=said):
        rounds(loop({"inputParameter": "list"}), {"list": value})


def test_outputs_are_lists_in_the_order_of_the_rounds():
    first, second = Artifact(1, "/a", {}), Artifact(2, "/b", {})
    given = [Outputs({"p": 1.0}, {"m": (first,)}), Outputs({}, {}), Outputs({"p": 2.0}, {"m": (second,)})]
    assert collected(given) == Outputs({"p": [1.0, 2.0]}, {"m": (first, second)})


def test_other_tasks_are_no_loops():
    assert item_input({}) is None
    assert item_input(loop({"raw": "[]"})) == "item"
