"""What our Dockerfiles promise, as far as their text shows it; the build itself is in `test_build_root`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from image.build_root import CHECKOUT, ignore_rules, is_in_context
from image.dockerfile import Copy, Run, Stage, stages

FOLDER = CHECKOUT / "kubeflow" / "image"
FILES = sorted(FOLDER.glob("Dockerfile*"))
HADOLINT = Path(sys.executable).with_name("hadolint")


@pytest.fixture(params=FILES, ids=[file.name for file in FILES])
def dockerfile(request) -> Path:
    return request.param


@pytest.fixture
def built(dockerfile: Path) -> list[Stage]:
    return stages(dockerfile.read_text())


def commands(stage: Stage) -> list[str]:
    return [step.command for step in stage.steps if isinstance(step, Run)]


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not installed; `uv sync` brings it (group dev)")
def test_hadolint_finds_nothing(dockerfile: Path):
    done = subprocess.run([HADOLINT, dockerfile], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not installed; `uv sync` brings it (group dev)")
def test_hadolint_would_find_what_is_wrong(tmp_path: Path):
    broken = tmp_path / "Dockerfile"
    broken.write_text("FROM debian:latest\nRUN pip install uv\n")
    done = subprocess.run([HADOLINT, broken], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "DL3007" in done.stdout


def test_the_last_stage_runs_as_a_numbered_user_that_is_not_root(built: list[Stage]):
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", built[-1].user)


def test_packages_are_those_of_the_lock_file_and_their_installer_is_pinned(built: list[Stage]):
    said = commands(built[0])
    (sync,) = [command for command in said if "uv sync" in command]
    assert {"--frozen", "--no-dev"} <= set(sync.split())
    assert any(re.search(r'"uv==\$\{UV_VERSION\}"', command) for command in said)


def test_our_wheel_is_built_with_pinned_packages(built: list[Stage]):
    (wheel,) = [command for command in commands(built[0]) if "uv build" in command]
    assert "--build-constraints kubeflow/image/build-constraints.txt" in wheel
    lines = [line for line in (FOLDER / "build-constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert lines
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line) for line in lines)


def test_nothing_is_compiled_or_installed_in_the_stage_that_is_shipped(built: list[Stage]):
    said = " ".join(commands(built[-1]))
    assert not re.search(r"\b(apt-get|pip|uv|make|gcc)\b", said)
    assert {step.stage for step in built[-1].steps if isinstance(step, Copy)} == {"builder"}


def test_the_example_pipelines_are_on_the_path(built: list[Stage]):
    assert built[-1].environment["PYTHONPATH"] == "/opt/pipelines"
    assert ("/src/pipelines",) in [step.sources for step in built[-1].steps if isinstance(step, Copy)]


def test_every_label_says_something(built: list[Stage]):
    labels = built[-1].labels
    for name in ("title", "description", "licenses", "version", "revision"):
        assert labels[f"org.opencontainers.image.{name}"]


def test_the_lines_differ_by_base_and_extra_alone():
    """So that what is tried in the one holds for the other."""
    slim, tfx = (stages((FOLDER / name).read_text()) for name in ("Dockerfile.slim", "Dockerfile"))
    assert [stage.environment for stage in slim] == [stage.environment for stage in tfx]
    assert [stage.user for stage in slim] == [stage.user for stage in tfx]
    assert commands(slim[1]) == commands(tfx[1])
    without = [c.replace("--extra tfx", "--extra serving") for c in commands(tfx[0]) if "apt-get" not in c]
    assert without == commands(slim[0])


def test_no_host_of_a_registry_is_named(dockerfile: Path):
    assert not re.search(r"https?://", dockerfile.read_text())


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("pyproject.toml", True),
        ("uv.lock", True),
        ("components/tfx_rollout/cli/app.py", True),
        ("pipelines/penguin/data/penguins.csv", True),
        ("kubeflow/image/build-constraints.txt", True),
        ("components/tfx_rollout/__pycache__/x.cpython-310.pyc", False),
        ("pipelines/taxi/stray.pyc", False),
        (".venv/bin/python", False),
        (".git/config", False),
        ("tests/conftest.py", False),
        ("kubeflow/image/smoke.py", False),
    ],
)
def test_the_build_gets_what_it_needs_and_nothing_else(path: str, sent: bool):
    assert is_in_context(path, ignore_rules((CHECKOUT / ".dockerignore").read_text())) is sent


def test_what_the_dockerfiles_copy_is_sent(built: list[Stage]):
    rules = ignore_rules((CHECKOUT / ".dockerignore").read_text())
    copied = [
        name for stage in built for step in stage.steps if isinstance(step, Copy) and step.stage is None for name in step.sources
    ]
    assert copied
    for name in copied:
        assert (CHECKOUT / name).exists()
        assert is_in_context(name, rules)
