"""The committed pipeline is what its code compiles to, and asks of the cluster what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from penguin.pipeline import CLAIM, COMPILED, SERVING_ROOT, compile_pipeline

pytestmark = pytest.mark.integration

DEPLOYMENT = {"validate-infra", "push-model", "run-canary", "check-blessing", "end-unfinished"}


def documents(file: Path) -> list[Any]:
    """Both documents, without the version of the kfp that wrote them, and what its newer ones say twice."""
    pipeline, platform = yaml.safe_load_all(file.read_text())
    pipeline.pop("sdkVersion")
    for executor in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        for mount in executor["pvcMount"]:
            again = mount.pop("pvcNameParameter", None)
            assert again in (None, {"runtimeValue": {"constant": mount["constant"]}})
    return [pipeline, platform]


def tasks(pipeline: dict) -> dict[str, dict]:
    """Every task of every graph, by its name."""
    graphs = [pipeline["root"]["dag"], *(c["dag"] for c in pipeline["components"].values() if "dag" in c)]
    return {name: task for graph in graphs for name, task in graph["tasks"].items()}


def test_the_committed_file_is_what_the_code_compiles_to(tmp_path):
    assert documents(COMPILED) == documents(compile_pipeline(tmp_path / "penguin.yaml")), "run python -m penguin.pipeline"


def test_a_deployment_task_is_never_answered_from_a_cache_and_sees_the_serving_root():
    pipeline, platform = documents(COMPILED)
    for name in DEPLOYMENT:
        assert not tasks(pipeline)[name]["cachingOptions"].get("enableCache")
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert {name.removeprefix("exec-") for name in executors} == DEPLOYMENT
    assert all(executor["pvcMount"] == [{"constant": CLAIM, "mountPath": SERVING_ROOT}] for executor in executors.values())


def test_open_source_kubeflow_refuses_nothing_of_it():
    from tfx_rollout.kfp import lint, load

    # The root is the cluster's, or given with the run: no step of this pipeline opens a uri.
    assert {finding.rule for finding in lint(load(COMPILED))} <= {"pipeline-root"}


def test_what_fails_is_tried_again_but_for_training_and_the_exit():
    pipeline, _ = documents(COMPILED)
    assert {name for name, task in tasks(pipeline).items() if "retryPolicy" in task} == DEPLOYMENT - {"end-unfinished"}


def test_it_is_compiled_for_the_cluster_of_ones_own(tmp_path):
    file = compile_pipeline(tmp_path / "p.yaml", "registry.example.com/t:1", "/models", "claim-7")
    pipeline, platform = documents(file)
    executors = pipeline["deploymentSpec"]["executors"].values()
    assert {e["container"]["image"] for e in executors if "container" in e} == {"registry.example.com/t:1"}
    assert tasks(pipeline)["push-model"]["inputs"]["parameters"]["root"] == {"runtimeValue": {"constant": "/models"}}
    mounts = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-push-model"]["pvcMount"]
    assert mounts == [{"constant": "claim-7", "mountPath": "/models"}]
