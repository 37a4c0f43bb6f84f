"""What all tests share: how hypothesis searches, a folder in memory, a root that is served without processes, and processes
that really are killed or really run at once."""

from __future__ import annotations

import asyncio
import os
import pickle
import queue
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import settings

from tfx_rollout.evidence.cohort_source import FeedbackCohorts
from tfx_rollout.experiment.controller import ExperimentController
from tfx_rollout.model_store import BasePath
from tfx_rollout.testing import Behaviour, ManualClock, ServedRoot, SimulatedServing
from tfx_rollout.testing.users import SimulatedUsers

# How long an example takes says nothing on a machine that does other things too. A run that guards the main line
# looks at the same examples each time; everybody else's looks further.
settings.register_profile("here", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("here")

# How wide a terminal is, which readline hands down to the processes that run the tests, is none of their business.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder in memory where there is such a place, for what does not test the disk's speed."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="tfx-rollout-", dir=memory if os.access(memory, os.W_OK) else None))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def supervised() -> Callable[..., ServedRoot]:
    """`supervised(base, failures=0.05)`: use it in `with`; `failures` is the canary's share."""

    def supervised(base: BasePath, failures: float = 0.0) -> ServedRoot:
        return ServedRoot(base, Behaviour(failures=failures))

    return supervised


@pytest.fixture
def carry_out_experiments() -> Callable[..., None]:
    """`carry_out_experiments(base)`: some turns of what the supervisor does about A/B tests, in no time."""
    clock = ManualClock()

    def carry_out_experiments(base: BasePath, turns: int = 60) -> None:
        serving = SimulatedServing(base.name, clock)
        users = SimulatedUsers(clock, serving.split_at)

        def source(journal: Any, plan: Any, state: Any, past: Any) -> FeedbackCohorts:
            return FeedbackCohorts(base, users, plan.metric, journal.users, past, matured=state.matured, now=clock.now)

        controller = ExperimentController(base, source, clock)
        for _ in range(turns):
            base.write_observed(serving.settle(base.desired()))
            controller.tick()
            clock.advance(0.2)

    return carry_out_experiments


@pytest.fixture
def plan() -> dict[str, Any]:
    """One stage that some windows decide."""
    return {
        "name": "quick",
        "stages": [{"share": 0.5, "min_seconds": 10, "max_seconds": 300, "max_failure_rate": 0.05}],
        "window_seconds": 5,
        "waiting_seconds": 2,
        "min_windows": 3,
        "min_requests": 100,
        "promotion_deadline_seconds": 100_000,
    }


@pytest.fixture
def serve_api() -> Iterator[Callable[..., str]]:
    """`serve_api(root)`: the real API of a root over HTTP, in a thread; gives its address. Options are `ApiOptions`'."""
    with ExitStack() as served:
        yield lambda root, **options: served.enter_context(_served_api(root, **options))


@contextmanager
def _served_api(root: Path, *, scheme: str = "http", **options: Any) -> Iterator[str]:
    import uvicorn

    from tfx_rollout.control.http.app import create_app
    from tfx_rollout.control.http.settings import ApiOptions

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        given = ApiOptions(root, port=port, **options)
        tls = {"ssl_certfile": given.tls_cert, "ssl_keyfile": given.tls_key}
        app = create_app(given)
        loops: queue.SimpleQueue[asyncio.AbstractEventLoop] = queue.SimpleQueue()

        class Server(uvicorn.Server):
            async def serve(self, sockets: list[socket.socket] | None = None) -> None:
                loops.put(asyncio.get_running_loop())
                await super().serve(sockets)

        server = Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, ws="none", **tls))

        def stop() -> None:
            app.state.back.watch.close()
            server.should_exit = True

        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"{scheme}://127.0.0.1:{port}"
        finally:
            # What watches is changed on its event loop alone.
            loops.get(timeout=30).call_soon_threadsafe(stop)
            thread.join(30)


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
