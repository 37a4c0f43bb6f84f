"""Our own manifests are without fault, and what renders them renders what kubectl does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from manifests.lint.checks import lint
from manifests.lint.documents import Manifests, name_of
from manifests.lint.kustomize import render
from tfx_rollout.rollout.plan_document import read_document

KUBEFLOW = Path(__file__).parents[3] / "kubeflow"


def test_nothing_is_wrong_with_any_of_them(folder: Path):
    assert [str(finding) for finding in lint(render(folder))] == []


def rendered_by_kubectl(folder: Path) -> dict[str, str]:
    said = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, timeout=60, check=True).stdout
    return by_name(yaml.safe_load_all(said))


def by_name(documents) -> dict[str, str]:
    return {name_of(document): json.dumps(document, sort_keys=True) for document in documents}


needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not installed; it renders without a cluster"
)


@needs_kubectl
def test_kubectl_renders_the_same(folder: Path):
    assert rendered_by_kubectl(folder) == by_name(render(folder))


def test_there_is_an_overlay_for_every_use_that_the_docs_name(folder: Path):
    text = (KUBEFLOW.parent / "docs" / "kubernetes.md").read_text()
    assert folder.name in text


def test_only_the_pods_of_pipelines_have_a_token(documents):
    accounts = {d["metadata"]["name"]: d for d in Manifests(documents("overlays/pipelines")).of_kind("ServiceAccount")}
    assert accounts["tfx-rollout"]["automountServiceAccountToken"] is False
    assert "automountServiceAccountToken" not in accounts["tfx-rollout-pipeline"]


def test_the_nightly_plan_needs_nobody_and_the_careful_one_needs_somebody(documents):
    (plans,) = [d["data"] for d in documents("base") if d["kind"] == "ConfigMap"]
    read = {key: read_document(yaml.safe_load(text), what=key, name=key) for key, text in plans.items()}
    assert read["nightly.yaml"].promotion == "automatic"
    assert read["careful.yaml"].promotion == "approval"


def test_the_command_says_nothing_about_sound_folders():
    folders = sorted((KUBEFLOW / "manifests" / "overlays").iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "manifests.lint", *folders],
        env={**os.environ, "PYTHONPATH": str(KUBEFLOW)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """An overlay as somebody would write it who wants all components."""
    manifests = tmp_path / "manifests"
    shutil.copytree(KUBEFLOW / "manifests", manifests)
    mine = manifests / "overlays" / "mine"
    mine.mkdir()
    components = sorted(f"../../components/{folder.name}" for folder in (manifests / "components").iterdir())
    assert len(components) == 4
    content = {"namespace": "profile", "resources": ["../../base"], "components": components}
    (mine / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return mine


def test_all_components_go_together(everything: Path):
    documents = render(everything)
    assert {"StatefulSet", "CronJob", "HorizontalPodAutoscaler", "RoleBinding"} <= {d["kind"] for d in documents}
    assert [str(finding) for finding in lint(documents)] == []


@needs_kubectl
def test_kubectl_puts_all_components_together_in_the_same_way(everything: Path):
    assert rendered_by_kubectl(everything) == by_name(render(everything))
