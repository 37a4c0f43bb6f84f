from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tfx_rollout.serving import tethered


def test_the_command_runs_with_its_arguments_and_its_exit_code():
    done = subprocess.run(
        tethered([sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "a b", "--c"]), stdout=-1
    )
    assert (done.returncode, done.stdout) == (7, b"['a b', '--c']\n")


def test_a_command_that_does_not_exist_is_named():
    done = subprocess.run(tethered(["/no/such/server"]), stderr=-1)
    assert done.returncode != 0
    assert done.stderr == b"cannot run /no/such/server: No such file or directory\n"


def test_the_child_ends_when_its_parent_is_killed(tmp_path):
    pid_file = tmp_path / "pid"
    child = f"import os, pathlib, time; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); time.sleep(60)"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time; from tfx_rollout.serving.tether import tethered\n"
            f"subprocess.Popen(tethered([sys.executable, '-c', {child!r}])); time.sleep(60)",
        ]
    )
    pid = int(_await(lambda: pid_file.exists() and pid_file.read_text()))
    parent.kill()
    parent.wait()
    _await(lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        # Where nobody reaps orphans it stays as a zombie.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _await(condition, seconds: float = 30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    pytest.fail("the condition did not come true")
