"""Our own manifests are without fault, and what renders them renders what kubectl does."""

from __future__ import annotations

import json
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


def test_nothing_is_wrong_with_any_of_them(folder: Path):
    assert [str(finding) for finding in lint(render(folder))] == []


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed; it renders without a cluster")
def test_kubectl_renders_the_same(folder: Path):
    said = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, timeout=60, check=True).stdout

    def by_name(documents) -> dict[str, str]:
        return {name_of(document): json.dumps(document, sort_keys=True) for document in documents}

    assert by_name(yaml.safe_load_all(said)) == by_name(render(folder))


def test_there_is_an_overlay_for_every_use_that_the_docs_name(folder: Path):
    text = (Path(__file__).parents[3] / "docs" / "kubernetes.md").read_text()
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


def test_the_command_says_nothing_and_ends_well_for_a_sound_folder_and_names_the_fault_of_another(folder: Path, tmp_path: Path):
    command = [sys.executable, "-m", "manifests.lint"]
    environment = {"PYTHONPATH": str(folder.parents[len(folder.relative_to(Path(__file__).parents[3] / "kubeflow").parts) - 1])}
    sound = subprocess.run([*command, str(folder)], capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert (sound.returncode, sound.stdout, sound.stderr) == (0, "", "")
