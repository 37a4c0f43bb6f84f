"""Small models on disk, and processes that really are killed or really run at once."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tfx_rollout.model_store import BasePath, ModelStore

ModelMaker = Callable[..., Path]


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder for all tests; in memory where there is such a place, since what is tested is not the disk's speed."""
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="model-store-", dir=place))
    # Readable by others, for the tests that give up their rights.
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def folder(scratch: Path) -> Iterator[Path]:
    """An empty folder."""
    path = Path(tempfile.mkdtemp(dir=scratch))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def store(folder: Path) -> ModelStore:
    return ModelStore(folder / "root")


@pytest.fixture
def base(store: ModelStore) -> BasePath:
    return store.model("taxi")


@pytest.fixture
def make_model(folder: Path) -> ModelMaker:
    """Makes a folder that looks like a SavedModel; its content follows from the seed."""

    def make(seed: int = 1, *, size: int = 2000, at: Path | None = None) -> Path:
        path = at or folder / f"model-{seed}"
        content = random.Random(seed)
        (path / "variables").mkdir(parents=True)
        (path / "assets").mkdir()
        (path / "saved_model.pb").write_bytes(content.randbytes(300))
        (path / "variables" / "variables.index").write_bytes(content.randbytes(50))
        (path / "variables" / "variables.data-00000-of-00001").write_bytes(content.randbytes(size))
        return path

    return make


@pytest.fixture
def in_child() -> Callable[[Callable[[], Any]], Any]:
    """Runs a function in a forked process; returns its value or raises what it raised."""
    return lambda act: _unpacked(_forked(act)())


@pytest.fixture
def at_once() -> Callable[[list[Callable[[], Any]]], list[Any]]:
    """Runs functions in processes of their own, let go at the same moment; gives values or exceptions in order."""

    def run(acts: list[Callable[[], Any]]) -> list[Any]:
        gate_reader, gate_writer = os.pipe()
        waits = [_forked(act, gate_reader, gate_writer) for act in acts]
        os.close(gate_reader)
        os.close(gate_writer)
        return [wait() for wait in waits]

    return run


@pytest.fixture
def count_steps() -> Callable[[Callable[[], Any]], int]:
    """How many steps the function has, run to its end in a forked process."""

    def count(act: Callable[[], Any]) -> int:
        def counted() -> int:
            steps = _Steps(kill_before=0)
            sys.setprofile(steps)
            act()
            sys.setprofile(None)
            return steps.done

        return _unpacked(_forked(counted)())

    return count


@pytest.fixture
def kill_before() -> Callable[[int, Callable[[], Any]], None]:
    """Runs the function in a forked process that is killed (SIGKILL) before its n-th step."""

    def run(step: int, act: Callable[[], Any]) -> None:
        pid = os.fork()
        if pid == 0:
            sys.setprofile(_Steps(kill_before=step))
            act()
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), f"the process ended before step {step}"
        assert os.WTERMSIG(status) == signal.SIGKILL

    return run


_NO_SYSTEM_CALL = frozenset({"fspath", "fileno", "getpid", "fsencode", "fsdecode"})


class _Steps:
    """A profile function that counts the calls which reach the operating system."""

    def __init__(self, kill_before: int) -> None:
        self.done = 0
        self._kill_before = kill_before

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        if event != "c_call" or called.__name__ in _NO_SYSTEM_CALL:
            return
        module = called.__module__ or type(getattr(called, "__self__", None)).__module__
        if module in ("posix", "_io", "io", "fcntl"):
            self.done += 1
            if self.done == self._kill_before:
                os.kill(os.getpid(), signal.SIGKILL)


def _forked(act: Callable[[], Any], gate_reader: int | None = None, gate_writer: int | None = None) -> Callable[[], Any]:
    """Starts the function in a child; the result waits for it and gives its value or its exception."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        if gate_reader is not None and gate_writer is not None:
            os.close(gate_writer)
            # Opens when the parent, the last who could write, closes its end.
            os.read(gate_reader, 1)
        try:
            outcome = act()
        except BaseException as error:  # noqa: BLE001 - it is handed to the parent
            outcome = error
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(outcome, pipe)
        os._exit(0)
    os.close(writer)

    def wait() -> Any:
        with os.fdopen(reader, "rb") as pipe:
            content = pipe.read()
        os.waitpid(pid, 0)
        return pickle.loads(content)

    return wait


def _unpacked(outcome: Any) -> Any:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
