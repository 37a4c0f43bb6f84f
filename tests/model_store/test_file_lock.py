from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from tfx_rollout.errors import Busy, StorageFault
from tfx_rollout.model_store import FileLock


def test_a_lock_is_held_again_by_the_thread_that_holds_it(tmp_path: Path):
    lock = FileLock(tmp_path / "lock", "tests")
    with lock.held():
        with lock.held():
            pass
        with pytest.raises(Busy), FileLock(tmp_path / "lock", "tests").held(timeout=0):
            pass
    with FileLock(tmp_path / "lock", "tests").held(timeout=0):
        pass


def test_busy_names_the_holder_and_the_lock(tmp_path: Path):
    first, second = (FileLock(tmp_path / "lock", "changes to tests") for _ in range(2))
    with first.held(), pytest.raises(Busy) as caught, second.held(timeout=0.05):
        pass
    sentence = str(caught.value)
    assert f"process {os.getpid()} on " in sentence
    assert str(tmp_path / "lock") in sentence
    assert "changes to tests" in sentence
    assert "waited 0.05 s" in sentence


def test_two_threads_do_not_hold_one_lock(tmp_path: Path):
    lock = FileLock(tmp_path / "lock", "tests")
    caught = []

    def other() -> None:
        try:
            with lock.held(timeout=0.01):
                pass
        except Busy as error:
            caught.append(str(error))

    with lock.held():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(caught) == 1
    assert "another thread" in caught[0]


def test_a_lock_is_free_after_an_error_in_its_block(tmp_path: Path):
    lock = FileLock(tmp_path / "lock", "tests")
    with pytest.raises(ZeroDivisionError), lock.held():
        1 / 0  # noqa: B018
    with FileLock(tmp_path / "lock", "tests").held(timeout=0):
        assert "pid" in (tmp_path / "lock").read_text()
    assert (tmp_path / "lock").read_text().strip() == ""


def test_a_lock_file_that_cannot_be_made_is_one_sentence(tmp_path: Path):
    with pytest.raises(StorageFault, match="it is not there"), FileLock(tmp_path / "missing" / "lock", "tests").held():
        pass


@pytest.mark.integration
def test_the_death_of_its_holder_releases_a_lock(tmp_path: Path):
    held, die = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        with FileLock(tmp_path / "lock", "tests").held():
            os.write(held[1], b".")
            os.read(die[0], 1)
        os._exit(0)
    os.read(held[0], 1)
    lock = FileLock(tmp_path / "lock", "tests")
    with pytest.raises(Busy, match=f"process {pid} on "), lock.held(timeout=0):
        pass
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with lock.held(timeout=0):
        pass
    for descriptor in (*held, *die):
        os.close(descriptor)


@pytest.mark.integration
def test_no_two_processes_hold_one_lock(tmp_path: Path, at_once):
    counter = tmp_path / "counter"
    counter.write_text("0")

    def count() -> None:
        lock = FileLock(tmp_path / "lock", "tests")
        for _ in range(20):
            with lock.held():
                counter.write_text(str(int(counter.read_text()) + 1))

    assert at_once([count] * 5) == [None] * 5
    assert counter.read_text() == "100"
