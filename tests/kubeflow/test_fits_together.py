"""What lies in this folder fits together: pipelines, their schedule, images and manifests name the same things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tfx_rollout.kfp.schedule.document import load_schedules
from tfx_rollout.kfp.schedule.pipeline_check import pipeline_faults

KUBEFLOW = Path(__file__).parents[2] / "kubeflow"
COMPILED = sorted((KUBEFLOW / "compiled").glob("*.yaml"))
IMAGES = {"Dockerfile": "tfx-rollout-tfx", "Dockerfile.slim": "tfx-rollout"}
"""The image of each Dockerfile, as docs/kubernetes.md builds them."""


def manifests() -> Iterator[dict[str, Any]]:
    for file in sorted((KUBEFLOW / "manifests").rglob("*.yaml")):
        yield from (document for document in yaml.safe_load_all(file.read_text()) if isinstance(document, dict))


def named(kind: str) -> set[str]:
    return {document["metadata"]["name"] for document in manifests() if document.get("kind") == kind}


@pytest.fixture(params=COMPILED, ids=lambda file: file.stem)
def compiled(request) -> tuple[dict[str, Any], dict[str, Any]]:
    pipeline, platform = yaml.safe_load_all(request.param.read_text())
    return pipeline, platform


def test_there_are_pipelines_with_and_without_tfx():
    assert {file.stem.partition("-")[0] for file in COMPILED} == {"taxi", "penguin"}


def test_pipelines_mount_a_claim_of_the_manifests_where_the_supervisor_has_it(compiled):
    executors = compiled[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    mounts = {(mount["constant"], mount["mountPath"]) for executor in executors.values() for mount in executor["pvcMount"]}
    (supervisor,) = [d for d in manifests() if d.get("kind") == "Deployment" and d["metadata"]["name"] == "tfx-rollout"][:1]
    pod = supervisor["spec"]["template"]["spec"]
    claims = {v["name"]: v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v}
    served = {(claims[m["name"]], m["mountPath"]) for m in pod["containers"][0]["volumeMounts"] if m["name"] in claims}
    assert mounts == served
    assert {claim for claim, _ in mounts} <= named("PersistentVolumeClaim")


def test_pipelines_run_in_images_that_are_built_here(compiled):
    images = {
        executor["container"]["image"]
        for executor in compiled[0]["deploymentSpec"]["executors"].values()
        if "container" in executor
    }
    wanted = "Dockerfile" if compiled[0]["pipelineInfo"]["name"] == "taxi" else "Dockerfile.slim"
    assert {image.partition(":")[0] for image in images} == {IMAGES[wanted]}
    assert (KUBEFLOW / "image" / wanted).exists()


def test_the_schedule_fits_the_pipeline_and_runs_as_an_account_of_the_manifests():
    _, (nightly,) = load_schedules(KUBEFLOW / "schedules.yaml")
    for file in COMPILED:
        pipeline = next(yaml.safe_load_all(file.read_text()))
        if pipeline["pipelineInfo"]["name"] == nightly.pipeline.name:
            assert pipeline_faults(pipeline, nightly.parameters, nightly.pipeline.name) == []
    assert nightly.service_account in named("ServiceAccount")
