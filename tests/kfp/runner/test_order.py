"""Tasks come after what they wait for, and exit handlers as soon as they can."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.kfp.runner.order import in_order, upstream

EXIT = {"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}


def test_it_waits_for_named_tasks_and_for_the_producers_of_its_inputs():
    task = {
        "dependentTasks": ["b"],
        "inputs": {
            "parameters": {"p": {"taskOutputParameter": {"producerTask": "c"}}, "q": {"runtimeValue": {"constant": 1}}},
            "artifacts": {"x": {"taskOutputArtifact": {"producerTask": "a"}}, "y": {"componentInputArtifact": "y"}},
        },
    }
    assert upstream(task) == ("a", "b", "c")


def test_an_exit_handler_comes_right_after_what_it_follows():
    tasks = {"a": {}, "z": {"dependentTasks": ["a"], **EXIT}, "b": {"dependentTasks": ["a"]}}
    assert list(in_order(tasks)) == ["a", "z", "b"]


@given(st.lists(st.lists(st.integers(0, 20), max_size=4), min_size=1, max_size=20))
def test_every_task_comes_once_and_after_those_before_it(edges):
    tasks = {f"t{n}": {"dependentTasks": [f"t{m % n}" for m in before] if n else []} for n, before in enumerate(edges)}
    order = list(in_order(tasks))
    assert sorted(order) == sorted(tasks)
    assert all(order.index(before) < order.index(name) for name in tasks for before in upstream(tasks[name]))


def test_what_waits_for_itself_does_not_come():
    assert list(in_order({"a": {}, "b": {"dependentTasks": ["c"]}, "c": {"dependentTasks": ["b"]}})) == ["a"]
