"""The command for the other TFX line: what it copies, what it runs, and what it says when it cannot."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

CI = Path(__file__).parent.parent / ".ci"


@pytest.fixture
def tfx121(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(CI))
    import tfx121

    return tfx121


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "tests").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    (folder / ".gitignore").write_text(".venv/\n")
    (folder / "kept.py").write_text("kept")
    (folder / "gone.py").write_text("gone")
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    (folder / "gone.py").unlink()
    (folder / "tests" / "new.py").write_text("new")
    (folder / ".venv").mkdir()
    (folder / ".venv" / "big").write_text("big")
    return folder


def test_tracked_and_uncommitted_files_are_copied_and_ignored_or_deleted_ones_are_not(tfx121: ModuleType, checkout: Path) -> None:
    assert tfx121.checkout_files(checkout) == [".gitignore", "kept.py", "tests/new.py"]


def test_a_folder_without_git_is_refused_in_one_sentence(tfx121: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(tfx121.Unfit, match="git must say which files to copy") as refused:
        tfx121.checkout_files(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_second_copy_brings_changes_takes_away_what_is_gone_and_leaves_what_was_made_there(
    tfx121: ModuleType, checkout: Path, tmp_path: Path
) -> None:
    target = tmp_path / "root" / "checkout"
    tfx121.copy_checkout(checkout, target, tfx121.checkout_files(checkout))
    (target / ".venv").mkdir()
    (target / ".venv" / "stamp").write_text("made there")
    (checkout / "kept.py").write_text("changed")
    (checkout / "tests" / "new.py").unlink()
    tfx121.copy_checkout(checkout, target, tfx121.checkout_files(checkout))
    assert (target / "kept.py").read_text() == "changed"
    assert not (target / "tests" / "new.py").exists()
    assert (target / ".venv" / "stamp").read_text() == "made there"


def test_what_has_not_changed_is_not_copied_again(tfx121: ModuleType, checkout: Path, tmp_path: Path) -> None:
    target = tmp_path / "root" / "checkout"
    tfx121.copy_checkout(checkout, target, ["kept.py"])
    assert not tfx121.differs(checkout / "kept.py", target / "kept.py")
    before = (target / "kept.py").stat().st_ctime_ns
    tfx121.copy_checkout(checkout, target, ["kept.py"])
    assert (target / "kept.py").stat().st_ctime_ns == before


def test_a_change_of_a_files_mode_is_a_change(tfx121: ModuleType, checkout: Path, tmp_path: Path) -> None:
    target = tmp_path / "root" / "checkout"
    tfx121.copy_checkout(checkout, target, ["kept.py"])
    (checkout / "kept.py").chmod(0o755)
    assert tfx121.differs(checkout / "kept.py", target / "kept.py")


@pytest.mark.parametrize(
    ("arguments", "commands"),
    [
        ([], [["make", "test"], ["make", "demo"]]),
        (["tests/rollout", "-x"], [[".venv/bin/python", "-m", "pytest", "tests/rollout", "-x"]]),
        (["--run", "make", "demo"], [["make", "demo"]]),
    ],
)
def test_the_arguments_choose_what_runs(tfx121: ModuleType, arguments: list[str], commands: list[list[str]]) -> None:
    assert tfx121.commands(arguments) == commands


def test_run_without_a_command_is_refused(tfx121: ModuleType) -> None:
    with pytest.raises(tfx121.Unfit, match="--run wants the command"):
        tfx121.commands(["--run"])


def test_the_cache_is_among_the_tools_unless_a_variable_names_another_folder(tfx121: ModuleType, tmp_path: Path) -> None:
    assert tfx121.cache_folder({}) == CI.parent.resolve() / ".tools" / "tfx121"
    assert tfx121.cache_folder({"TFX_ROLLOUT_TFX121_CACHE": str(tmp_path)}) == tmp_path


def test_a_second_run_in_the_same_cache_is_refused(tfx121: ModuleType, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(tfx121.Unfit, match="Another run is in"), tfx121.alone_in(tmp_path):
            pass
    with tfx121.alone_in(tmp_path):
        assert (tmp_path / "lock").exists()


def test_without_debootstrap_the_command_says_so_in_one_sentence_and_makes_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    answer = subprocess.run(
        [sys.executable, str(CI / "tfx121.py")],
        env={**os.environ, "PATH": "/nowhere", "TFX_ROLLOUT_TFX121_CACHE": str(cache)},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 1
    fault = "needs root" if os.geteuid() != 0 else "The command debootstrap is missing; install it"
    assert answer.stderr.startswith("tfx121: ")
    assert fault in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert not cache.exists()


def test_the_copy_is_a_git_checkout_so_that_tools_heed_what_is_ignored(
    tfx121: ModuleType, checkout: Path, tmp_path: Path
) -> None:
    target = tmp_path / "root" / "checkout"
    tfx121.copy_checkout(checkout, target, tfx121.checkout_files(checkout))
    (target / ".venv").mkdir()
    (target / ".venv" / "big").write_text("made there")
    assert tfx121.checkout_files(target) == [".gitignore", "kept.py", "tests/new.py"]
