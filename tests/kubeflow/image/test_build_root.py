"""The images, built by their own Dockerfiles in a plain Debian root and tried from inside: on request."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from image import build_root
from image.build_root import CHECKOUT, StepFailed, leftovers, main, try_out
from image.debian_root import network_environment, python_base
from image.dockerfile import Stage
from tfx_rollout.errors import InvalidInput

ASKED = os.environ.get("TFX_ROLLOUT_TEST_IMAGE")
WORK = "TFX_ROLLOUT_IMAGE_WORK"
WHY_NOT = f"takes minutes, gigabytes, root and debootstrap; ask for it with TFX_ROLLOUT_TEST_IMAGE=1 (and {WORK}=FOLDER)"
on_request = [
    pytest.mark.integration,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not ASKED, reason=WHY_NOT),
]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return Path(os.environ.get(WORK, tmp_path))


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        pytest.param("Dockerfile.slim", {}, marks=on_request, id="slim"),
        pytest.param(
            "Dockerfile",
            {},
            marks=[*on_request, pytest.mark.skipif(sys.version_info[:2] != (3, 10), reason="Debian 12 has no Python 3.10")],
            id="TFX 1.16",
        ),
        pytest.param("Dockerfile", {"BASE": "python:3.13-slim-trixie"}, marks=on_request, id="TFX 1.21"),
    ],
)
def test_an_image_is_built_and_serves_a_model_as_its_own_user(file: str, arguments: dict[str, str], work: Path):
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.fail("building a root takes the rights of root, and debootstrap")
    root, image = build_root.build(CHECKOUT / "kubeflow" / "image" / file, work, arguments=arguments)
    try_out(root, image)


def test_a_base_that_debootstrap_cannot_make_is_refused_before_anything_is_made(tmp_path: Path):
    with pytest.raises(InvalidInput, match="give a base of the form python:"):
        python_base("alpine:3.20", tmp_path / "root", bases=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_dockerfile_that_cannot_be_followed_is_one_sentence(tmp_path: Path, monkeypatch, capsys):
    file = tmp_path / "Dockerfile"
    file.write_text("FROM python:3.13-slim-trixie\nADD x y\n")
    monkeypatch.setattr(sys, "argv", ["build_root", str(file), "--work", str(tmp_path / "work")])
    assert main() == 2
    said = capsys.readouterr().err
    assert said.startswith("error: Line 2 of the Dockerfile cannot be followed")
    assert said.count("\n") == 1
    assert not (tmp_path / "work").exists()


def test_caches_in_an_image_are_found(tmp_path: Path):
    assert leftovers(tmp_path) == []
    (tmp_path / "root/.cache/uv").mkdir(parents=True)
    (tmp_path / "var/lib/apt/lists/partial").mkdir(parents=True)
    (tmp_path / "var/lib/apt/lists/mirror_dists_InRelease").touch()
    assert leftovers(tmp_path) == ["root/.cache/uv", "var/lib/apt/lists/mirror_dists_InRelease"]
    with pytest.raises(Exception, match="which only the build needed"):
        try_out(tmp_path, Stage("x", "y"))


def test_a_step_that_failed_says_which(tmp_path: Path):
    assert str(StepFailed("RUN false", 1)) == "RUN false ended with code 1; what it said stands above."


def test_only_what_reaches_the_network_is_passed_on(monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", "/somewhere/here")
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    monkeypatch.setenv("SECRET_TOKEN", "x")
    found = network_environment()
    assert found["HTTPS_PROXY"] == "proxy:3128"
    assert found.keys().isdisjoint({"PIP_FIND_LINKS", "SECRET_TOKEN", "HOME"})
