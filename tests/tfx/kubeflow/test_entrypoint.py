"""The entrypoint as a process: its public path, its exit codes and sentences, and that no way out spoils a success. No TFX."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tfx_rollout.kfp.ir import ENTRYPOINT
from tfx_rollout.kfp.ir.tasks import ENTRYPOINT_MODULE

NOTHING = {"inputs": {}, "outputs": {"outputFile": "/tmp/never-written/output_metadata.json"}}


def ended(*argv: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path)} if path else dict(os.environ)
    command = [sys.executable, *ENTRYPOINT[1:], *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)


def call(executor: str, executor_input: dict = NOTHING) -> tuple[str, ...]:
    return ("--executor_class_path", executor, "--json_serialized_invocation_args", json.dumps(executor_input))


def test_its_path_is_public():
    assert ENTRYPOINT_MODULE == "tfx_rollout.tfx.kubeflow.entrypoint"
    assert callable(importlib.import_module(ENTRYPOINT_MODULE).main)


def test_an_image_without_this_package_is_told_in_one_sentence(tmp_path: Path):
    command = [sys.executable, "-I", "-S", *ENTRYPOINT[1:], *call("a.B")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 1
    assert done.stderr == (
        "error: This task's image has no tfx-rollout in it; build one by kubeflow/image of tfx-rollout, "
        "or install tfx-rollout in yours.\n"
    )


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--executor_class_path", "a.B", "--json_serialized_invocation_args", "{{$}}"), "is no JSON"),
        (call("there_is_no.such.Executor"), "there is no module there_is_no"),
        (call("collections.NoExecutor"), "is not in this image"),
        (call("Executor"), "is not in this image"),
        (call("os.path"), "is no class"),
        (
            call("a.B", {"outputs": {"artifacts": {"x": {"artifacts": [{"uri": "minio://mlpipeline/x", "type": {}}]}}}}),
            "no file system for minio://",
        ),
    ],
)
def test_what_cannot_begin_is_told_in_one_sentence(argv: tuple[str, ...], said: str):
    done = ended(*argv)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("error: ")


def test_arguments_that_are_missing_are_told():
    done = ended("--executor_class_path", "a.B")
    assert done.returncode == 2
    assert "--json_serialized_invocation_args" in done.stderr


def test_a_fault_is_never_hidden(tmp_path: Path):
    (tmp_path / "broken_executor.py").write_text("raise RuntimeError('the disk is on fire')\n")
    done = ended(*call("broken_executor.Executor"), path=tmp_path)
    assert done.returncode == 1
    assert "RuntimeError: the disk is on fire" in done.stderr
    assert "Traceback" in done.stderr


def test_a_library_that_the_executor_lacks_is_told_as_it_is(tmp_path: Path):
    (tmp_path / "needy_executor.py").write_text("import a_library_that_is_not_there\n")
    done = ended(*call("needy_executor.Executor"), path=tmp_path)
    assert done.returncode == 1
    assert "No module named 'a_library_that_is_not_there'" in done.stderr


CRASHES = "import atexit, os, sys\natexit.register(os.abort)\nfrom tfx_rollout.tfx.kubeflow import entrypoint\nprint('written')\n"
"""A process that crashes on Python's own way out, as libraries under TFX do."""


def test_a_crash_on_the_way_out_does_not_spoil_a_success():
    done = subprocess.run([sys.executable, "-c", f"{CRASHES}entrypoint.end(0)"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "written\n")


def test_and_without_the_hard_end_it_does():
    done = subprocess.run([sys.executable, "-c", f"{CRASHES}sys.exit(0)"], capture_output=True, text=True, check=False)
    assert done.returncode < 0


def test_the_hard_end_keeps_the_exit_code_of_a_failure():
    done = subprocess.run(
        [sys.executable, "-c", f"{CRASHES}entrypoint.main(['--executor_class_path', 'a.B'])"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
