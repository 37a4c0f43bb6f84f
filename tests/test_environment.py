"""The set-up command chooses a TFX line, and says in one sentence what is missing."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "environment.py"


@pytest.fixture(scope="module")
def environment() -> ModuleType:
    spec = importlib.util.spec_from_file_location("environment", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("libc", "first"),
    [((2, 36), "3.10"), ((2, 31), "3.10"), ((2, 39), "3.12"), ((2, 41), "3.12")],
)
def test_the_line_follows_the_c_library(environment: ModuleType, libc: tuple[int, int], first: str) -> None:
    assert environment.wanted_pythons(libc)[0] == first


def test_a_new_c_library_still_allows_the_old_line(environment: ModuleType) -> None:
    assert environment.wanted_pythons((2, 41))[-1] == "3.10"


def test_a_file_that_is_no_python_has_no_version(environment: ModuleType, tmp_path: Path) -> None:
    nothing = tmp_path / "python3.10"
    nothing.write_text("#!/bin/sh\nexit 3\n")
    nothing.chmod(0o755)
    assert environment.version_of(nothing) == ""


def test_the_version_of_this_interpreter_is_read(environment: ModuleType) -> None:
    assert environment.version_of(Path(sys.executable)) == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_an_unfit_interpreter_is_refused_in_one_sentence_and_nothing_is_made(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".ci").mkdir(parents=True)
    (checkout / ".ci" / "environment.py").write_text(SCRIPT.read_text())
    (checkout / ".tools" / "uv" / "bin").mkdir(parents=True)
    (checkout / ".tools" / "uv" / "bin" / "uv").write_text("not asked in this case")
    answer = subprocess.run(
        [sys.executable, str(checkout / ".ci" / "environment.py")],
        env={**os.environ, "TFX_ROLLOUT_PYTHON": "/bin/true"},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 1
    assert answer.stderr.startswith("setup: TFX_ROLLOUT_PYTHON=/bin/true is not a Python ")
    assert answer.stderr.count("\n") == 1
    assert not (checkout / ".venv").exists()


def test_headers_are_told_from_the_interpreter_itself(environment: ModuleType, tmp_path: Path) -> None:
    without = tmp_path / "python3.13"
    without.write_text("#!/bin/sh\necho False\n")
    without.chmod(0o755)
    assert not environment.has_headers(without)
    assert environment.has_headers(Path(sys.executable))


def test_an_installed_interpreter_is_preferred_to_a_better_one_that_would_be_fetched(
    environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = tmp_path / "python3.13"
    only.write_text("#!/bin/sh\necho 3.13\n")
    only.chmod(0o755)
    monkeypatch.delenv("TFX_ROLLOUT_PYTHON", raising=False)
    monkeypatch.setattr(environment, "glibc", lambda: (2, 41))
    monkeypatch.setattr(environment, "installed", lambda version: only if version == "3.13" else None)
    assert environment.find_python() == only
