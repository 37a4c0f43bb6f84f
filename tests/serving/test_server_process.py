"""A process that is ours and one that is adopted behave alike; a pid that is another's now is never taken for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tfx_rollout.serving import ServerProcess
from tfx_rollout.serving.launcher import start_in_own_session
from tfx_rollout.serving.server_process import start_ticks_of

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
DEAF = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def start(tmp_path):
    """Starts a program and waits for its first word; kills what is left at the end."""
    made: list[subprocess.Popen[bytes]] = []

    def start(command) -> subprocess.Popen[bytes]:
        log_file = tmp_path / f"log-{len(made)}"
        with log_file.open("wb") as log:
            made.append(start_in_own_session(command, log, {}))
        while not log_file.read_bytes():
            assert made[-1].poll() is None
        return made[-1]

    yield start
    for child in made:
        child.kill()
        child.wait()


@pytest.fixture(params=["ours", "adopted"])
def process_of(request, start):
    """The process of a program, as the one who started it sees it or as another one does."""

    def make(command) -> ServerProcess:
        ours = ServerProcess.started(start(command))
        if request.param == "ours":
            return ours
        adopted = ServerProcess.found(ours.pid, ours.start_ticks)
        assert adopted is not None
        return adopted

    return make


def test_it_ends_when_it_is_asked_to(process_of):
    process = process_of(SLEEP)
    assert process.alive()
    assert not process.wait(0)
    process.terminate()
    assert process.wait(20)
    assert not process.alive()
    process.terminate()
    process.kill()


def test_one_that_does_not_listen_is_killed_with_what_it_started(process_of):
    process = process_of(DEAF)
    process.terminate()
    assert not process.wait(0.2)
    process.kill()
    assert process.wait(20)


def test_the_exit_code_of_an_adopted_one_is_not_known(start):
    ours = ServerProcess.started(start(SLEEP))
    adopted = ServerProcess.found(ours.pid, ours.start_ticks)
    os.kill(ours.pid, signal.SIGKILL)
    assert adopted.wait(20)
    assert ours.wait(20)
    assert (ours.returncode, adopted.returncode) == (-9, None)


def test_a_pid_that_belongs_to_a_later_process_is_not_the_one_that_was_recorded(start):
    child = start(SLEEP)
    ticks = start_ticks_of(child.pid)
    assert ServerProcess.found(child.pid, ticks - 1) is None
    assert ServerProcess.found(child.pid, ticks) is not None


def test_one_that_has_ended_is_not_found_though_nobody_reaped_it(start):
    child = start(SLEEP)
    ticks = start_ticks_of(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_ticks_of(child.pid) == ticks
    assert ServerProcess.found(child.pid, ticks) is None
    child.wait()
    assert ServerProcess.found(child.pid, ticks) is None


def test_a_name_with_parentheses_and_spaces_hides_nothing(start, tmp_path):
    odd = tmp_path / "a) b 1 2 3"
    odd.symlink_to(sys.executable)
    child = start([str(odd), *SLEEP[1:]])
    assert abs(start_ticks_of(child.pid) - start_ticks_of(os.getpid())) < 10**7
