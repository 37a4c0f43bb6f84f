"""Finishing mends what TFX's compiler leaves; each step left out is missed by the lint, and no step changes what it is given."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir import ENTRYPOINT, STEPS, Documents, KubeflowSettings, finish, finishing, lint, tasks_of
from tfx_rollout.kfp.ir.dag_rules import DAG_RULES
from tfx_rollout.kfp.ir.executor_rules import EXECUTOR_RULES
from tfx_rollout.kfp.ir.flow_rules import FLOW_RULES
from tfx_rollout.kfp.ir.pipeline_rules import PIPELINE_RULES

WITHOUT_KFP = (*PIPELINE_RULES, *EXECUTOR_RULES, *FLOW_RULES, *DAG_RULES)

MISSED = {
    "default_pipeline_root": {"pipeline-root"},
    "parameter_defaults": {"root-input"},
    "our_entrypoint": {"entrypoint"},
    "producers_by_name": {"producer"},
    "waiting_for_producers": {"dependency"},
    "deployment_uncached": {"caching"},
    "without_lifecycle": {"lifecycle"},
}
"""What the lint finds where a step is left out."""


def rules_broken(documents: Documents) -> set[str]:
    return {finding.rule for finding in lint(documents, WITHOUT_KFP)}


def test_what_tfx_leaves_is_not_fit_and_finishing_mends_all_of_it(raw: Documents, settings: KubeflowSettings):
    assert rules_broken(raw) == set().union(*MISSED.values())
    assert rules_broken(finish(raw, settings)) == set()


@pytest.mark.parametrize("left_out", MISSED)
def test_a_step_left_out_is_found(raw: Documents, settings: KubeflowSettings, left_out: str):
    steps = [step for step in STEPS if step.__name__ != left_out]
    assert len(steps) == len(STEPS) - 1
    assert rules_broken(finish(raw, settings, steps)) == MISSED[left_out]


def test_no_step_changes_what_it_is_given(raw: Documents, settings: KubeflowSettings):
    before = copy.deepcopy(raw)
    for step in STEPS:
        step(raw, settings)
        assert raw == before, step.__name__


def test_finishing_twice_is_finishing_once(raw: Documents, settings: KubeflowSettings):
    once = finish(raw, settings)
    assert finish(once, settings) == once


def test_each_tfx_task_gets_our_image_and_command_and_others_keep_theirs(raw: Documents, settings: KubeflowSettings):
    plain = {"image": "curl:8", "command": ["curl"]}
    raw.pipeline["deploymentSpec"]["executors"]["Trainer_executor"]["container"] = dict(plain)
    containers = {task.name: task.container for task in tasks_of(finish(raw, settings).pipeline)}
    assert {key: containers["Trainer"][key] for key in plain} == plain
    for name in ("CsvExampleGen", "VersionedPusher"):
        assert containers[name]["image"] == "registry/tfx-rollout:1"
        assert tuple(containers[name]["command"]) == ENTRYPOINT


def test_retries_go_to_every_container_that_has_no_policy_of_its_own(
    raw: Documents, settings_of: Callable[..., KubeflowSettings]
):
    raw.pipeline["root"]["dag"]["tasks"]["Trainer"]["retryPolicy"] = {"maxRetryCount": 7}
    done = finish(raw, settings_of(retries={"most": 3, "pause_seconds": 10, "factor": 3, "longest_pause_seconds": 60}))
    policies = {task.name: task.spec["retryPolicy"] for task in tasks_of(done.pipeline)}
    assert policies["Trainer"] == {"maxRetryCount": 7}
    assert policies["CsvExampleGen"] == policies["VersionedPusher"]
    assert policies["CsvExampleGen"] == {
        "maxRetryCount": 3,
        "backoffDuration": "10s",
        "backoffFactor": 3.0,
        "backoffMaxDuration": "60s",
    }


def test_without_retries_there_is_no_policy(raw: Documents, settings_of: Callable[..., KubeflowSettings]):
    done = finish(raw, settings_of(retries={"most": 0}))
    assert not any("retryPolicy" in task.spec for task in tasks_of(done.pipeline))


def test_resources_are_the_tasks_own_else_those_for_all(raw: Documents, settings_of: Callable[..., KubeflowSettings]):
    done = finish(
        raw, settings_of(resources={"cpu": 2, "memory_gb": 4}, task_resources={"Trainer": {"cpu": 8, "cpu_request": 4}})
    )
    given = {task.name: task.container.get("resources") for task in tasks_of(done.pipeline)}
    assert given["Trainer"] == {"cpuLimit": 8.0, "cpuRequest": 4.0}
    assert given["CsvExampleGen"] == {"cpuLimit": 2.0, "memoryLimit": 4.0}


def test_settings_that_name_what_the_pipeline_does_not_have_are_refused(
    raw: Documents, settings_of: Callable[..., KubeflowSettings]
):
    with pytest.raises(InvalidPlan, match=r"spam: the pipeline has no such parameter; known: span"):
        finish(raw, settings_of(parameters={"spam": 1}))
    with pytest.raises(InvalidPlan, match=r"task_resources\.Eggs: there is no such task; known: CsvExampleGen, Trainer"):
        finish(raw, settings_of(task_resources={"Eggs": {"cpu": 1}}))


def test_deployment_tasks_say_themselves_that_they_are_not_cached(raw: Documents, settings: KubeflowSettings):
    done = {task.name: task.spec.get("cachingOptions") for task in tasks_of(finish(raw, settings).pipeline)}
    assert done == {"CsvExampleGen": None, "Trainer": None, "VersionedPusher": {}}


def test_every_step_is_in_the_list():
    steps = {
        name
        for name, value in vars(finishing).items()
        if callable(value) and getattr(value, "__annotations__", {}).get("settings") == "KubeflowSettings" and name != "finish"
    }
    assert steps == {step.__name__ for step in STEPS}
