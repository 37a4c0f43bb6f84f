"""What a DAG gives of what its tasks gave."""

from __future__ import annotations

from tfx_rollout.kfp.runner.artifacts import Artifact
from tfx_rollout.kfp.runner.result import TaskState
from tfx_rollout.kfp.runner.scope import Outputs, Scope

MODEL = Artifact(4, "/root/model", {"n": 1.0})


def scope(**states: TaskState) -> Scope:
    scope = Scope(1, {}, {})
    for task, state in states.items():
        scope.ended(task, state, Outputs({"p": task}, {"model": (MODEL,)}) if state is TaskState.SUCCEEDED else Outputs())
    return scope


def test_selectors_take_a_tasks_outputs_out_of_the_dag():
    outputs = {
        "parameters": {"out": {"valueFromParameter": {"producerSubtask": "a", "outputParameterKey": "p"}}},
        "artifacts": {"m": {"artifactSelectors": [{"producerSubtask": "a", "outputArtifactKey": "model"}]}},
    }
    assert scope(a=TaskState.SUCCEEDED).dag_outputs({"outputs": outputs}) == Outputs({"out": "a"}, {"m": (MODEL,)})
    assert scope(a=TaskState.SKIPPED).dag_outputs({"outputs": outputs}) == Outputs()


def test_of_several_branches_the_one_that_ran_counts():
    branches = ("a", "b")
    outputs = {
        "parameters": {
            "out": {
                "valueFromOneof": {"parameterSelectors": [{"producerSubtask": t, "outputParameterKey": "p"} for t in branches]}
            }
        },
        "artifacts": {"m": {"artifactSelectors": [{"producerSubtask": t, "outputArtifactKey": "model"} for t in branches]}},
    }
    found = scope(a=TaskState.SKIPPED, b=TaskState.SUCCEEDED).dag_outputs({"outputs": outputs})
    assert found == Outputs({"out": "b"}, {"m": (MODEL,)})
