"""Servers that outlive their supervisor are found again, and only they."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tfx_rollout.serving import ServerProcess
from tfx_rollout.supervisor.process_folder import ProcessFolder, Survivor, end_all

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def folder(tmp_path):
    return ProcessFolder(tmp_path / "processes")


@pytest.fixture
def launch(folder, tmp_path):
    """Starts a program under a role, as a supervisor does; all are killed at the end."""
    made: list[ServerProcess] = []

    def launch(role: str, command=SLEEP, launcher: ProcessFolder = folder) -> ServerProcess:
        log_file = tmp_path / f"{role}.{len(made)}.log"
        with log_file.open("wb") as output:
            made.append(launcher.launch(role, command, output=output, environment={"COLOUR": "red"}, facts={"port": 8500}))
        while not log_file.read_bytes():
            assert made[-1].alive()
        return made[-1]

    yield launch
    for process in made:
        process.kill()
        process.wait()


def test_a_running_server_is_found_again_with_what_was_told_at_its_launch(folder, launch):
    process = launch("m~canary")
    assert b"COLOUR=red" in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    (survivor,) = ProcessFolder(folder.path).recover().values()
    assert (survivor.record.role, survivor.record.facts) == ("m~canary", {"port": 8500})
    assert survivor.process.pid == process.pid
    assert survivor.process.alive()
    end_all([survivor.process], 20)
    assert not process.alive()


def test_a_server_that_has_died_is_told_to_have_died(folder, launch):
    process = launch("m")
    process.kill()
    process.wait()
    (survivor,) = folder.recover().values()
    assert survivor == Survivor(survivor.record, None)


def test_another_process_with_the_recorded_pid_is_never_touched(folder, launch):
    process = launch("m")
    file = folder.path / "m.json"
    record = json.loads(file.read_text())
    # As if the server had died, and the kernel had given its pid to this very process.
    file.write_text(json.dumps({**record, "pid": os.getpid()}))
    assert folder.recover()["m"].process is None
    # The server itself has no record now.
    assert not process.alive()


def test_what_was_recorded_on_another_boot_is_forgotten(folder, launch):
    launch("m")
    file = folder.path / "m.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "boot": "before"}))
    assert folder.recover() == {}
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 2}', "[1]"])
def test_a_record_that_cannot_be_read_is_removed_and_its_process_ended(folder, launch, text):
    process = launch("m")
    (folder.path / "m.json").write_text(text)
    assert folder.recover() == {}
    assert not process.alive()
    assert not (folder.path / "m.json").exists()


def test_a_server_that_was_started_but_not_recorded_is_ended_and_others_are_left_alone(folder, launch, tmp_path):
    recorded, unrecorded = launch("m"), launch("m~canary")
    of_another_root = launch("m", launcher=ProcessFolder(tmp_path / "other"))
    (folder.path / "m~canary.json").unlink()
    assert list(folder.recover()) == ["m"]
    assert [process.alive() for process in (recorded, unrecorded, of_another_root)] == [True, False, True]


def test_what_a_server_itself_started_belongs_to_it(folder, launch):
    # The shell's own child, in its session, with its environment.
    process = launch("m", ["/bin/sh", "-c", "sleep 60 & echo up; wait"])
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], stdout=-1, text=True).stdout.split()
    folder.recover()
    assert process.alive()
    assert all(Path(f"/proc/{child}").exists() for child in children)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    folder.forget("m")
    folder.recover()
    assert [child for child in map(int, children) if runs(child)] == []


def test_a_server_about_to_be_ended_has_no_record_any_more(folder, launch):
    process = launch("m")
    folder.forget("m")
    folder.forget("m")
    assert folder.recover() == {}
    assert not process.alive()


def test_a_server_is_started_although_its_record_cannot_be_written(folder, launch, caplog):
    folder.path.mkdir()
    (folder.path / "m.json").mkdir()
    assert launch("m").alive()
    assert "m runs without a record" in caplog.text


def test_an_empty_root_has_no_survivors(folder):
    assert folder.recover() == {}
    folder.forget("m")
    assert not folder.path.exists()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
