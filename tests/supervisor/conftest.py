"""A root with tiny models, `tfx-rollout serve` on it, and steady requests through its gateway."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tfx_rollout.errors import ServerFailed
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.serving import ModelServerClient, free_port, grpc_api, open_channel, prediction_stub
from tfx_rollout.supervisor import running_supervisor, stop_left_over
from tfx_rollout.traffic import Cause, DesiredState, Label, ObservedState, Split

EXPORT = """
import sys
import tensorflow.compat.v1 as tf
root = sys.argv[1]
for name, offset, limit in [("plus_two", 2.0, None), ("plus_three", 3.0, None), ("picky", 4.0, 1000.0)]:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None], name="x")
        checks = [] if limit is None else [tf.debugging.assert_less(x, limit)]
        with tf.control_dependencies(checks):
            y = tf.add(x * tf.Variable(0.5), offset, name="y")
        session.run(tf.global_variables_initializer())
        tf.saved_model.simple_save(session, f"{root}/{name}", {"x": x}, {"y": y})
with tf.Graph().as_default(), tf.Session() as session:
    path = tf.placeholder(tf.string, [None], name="path")
    # A server that warms the model up names no file.
    named = tf.not_equal(path[0], "")
    with tf.control_dependencies([tf.cond(named, lambda: tf.io.write_file(path[0] + ".begun", ""), tf.no_op)]):
        looks = tf.constant(0)
    absent = lambda _: tf.logical_and(named, tf.equal(tf.size(tf.io.matching_files(path[0])), 0))
    looks = tf.while_loop(absent, lambda looks: looks + 1, [looks])
    tf.saved_model.simple_save(session, f"{root}/waiting", {"path": path}, {"y": tf.identity(looks, name="y")[None]})
"""


MAX_REQUEST_MB = 2


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory) -> Path:
    """Folders `plus_two`, `plus_three` (y = x/2 + 2 or 3), `picky` (fails from x = 1000 on),
    `waiting` (answers once there is a file of the name that it is given, after it made one of that name and `.begun`)
    and `broken` (does not load)."""
    folder = tmp_path_factory.mktemp("saved_models")
    subprocess.run([sys.executable, "-W", "ignore", "-c", EXPORT, str(folder)], check=True, stderr=subprocess.PIPE)
    (folder / "broken").mkdir()
    (folder / "broken" / "saved_model.pb").write_bytes(b"no graph at all")
    return folder


def wait_for(
    condition: Callable[[], object], seconds: float = 60, what: str = "the condition", seen: Callable[[], str] = str
) -> None:
    """Waits until the condition holds; `seen` tells what is the case when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come true in {seconds:g} s; {seen()}")
        time.sleep(0.05)


@dataclass
class Serving:
    """`tfx-rollout serve` as a process of its own."""

    root: Path
    port: int
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def model(self, name: str = "m") -> BasePath:
        return ModelStore(self.root).model(name)

    def observed(self, name: str = "m") -> ObservedState:
        return self.model(name).observed() or ObservedState(name)

    def desire(self, name: str = "m", **changes) -> DesiredState:
        """Writes the changed desired state."""
        base = self.model(name)
        before = base.desired()
        return base.write_desired(
            before.change(**changes, cause=Cause("test", "a test", time.time())), expected=before.generation
        )

    def in_force(self, state: DesiredState, seconds: float = 60) -> None:
        """Waits until the desired state was applied to its end."""
        wait_for(
            lambda: self.observed(state.model).generation >= state.generation,
            seconds,
            f"generation {state.generation}",
            lambda: f"{self.observed(state.model)}\n{self.logs()}",
        )

    def logs(self) -> str:
        """The last lines of the supervisor, and of each process that it started."""
        files = [self.log_file, *sorted((self.root / "models").glob("*.log")), *sorted((self.root / "gateway").glob("*.log"))]
        return "\n".join(f"== {file.name}\n{file.read_text(errors='replace')[-3000:]}" for file in files)

    def go_live(self, version: int, name: str = "m") -> DesiredState:
        state = self.desire(name, versions=(version,), labels={Label.STABLE: version}, split=Split())
        self.in_force(state)
        return state

    def load(self, model: str = "m", **options) -> Load:
        """Steady requests; use it in `with`."""
        return Load(self.address, model, **options)

    def ask(self, **choice) -> float | None:
        """One REST prediction of model `m` for x = 2; None when it was refused."""
        with ModelServerClient(self.address, timeout_s=10) as client:
            answer = client.predict("m", {"instances": [2.0]}, **choice)
        return answer.body["predictions"][0] if answer.ok else None

    def ask_in_trouble(self) -> float | None:
        """As `ask`; None also when the gateway does not answer just now."""
        try:
            return self.ask()
        except ServerFailed:
            return None

    def pid_of(self, server: str, model: str = "m") -> int:
        """The process of a model server."""
        found = self.observed(model).server(server)
        assert found is not None
        assert found.pid is not None
        return found.pid

    def stop(self, seconds: float = 30) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@contextmanager
def serving_of(root: Path, *options: str, port: int | None = None, tethered: bool = True, api: bool = False) -> Iterator[Serving]:
    """Serves a root with the command; ends it by its pid, and what it left if it was not tethered."""
    options = ("--api-port", "0", *options) if api else ("--no-api", *options)
    port, log_file = port or free_port(), root.parent / f"{root.name}.log"
    options = ("--tethered", *options) if tethered else options
    with log_file.open("ab") as log:
        command = [sys.executable, "-m", "tfx_rollout.cli", "serve", str(root), "--port", str(port), "--grace", "6", *options]
        process = subprocess.Popen(command, stderr=log)
    try:
        wait_for(lambda: running_supervisor(root) or process.poll() is not None, what="the supervisor's start")
        assert process.poll() is None, log_file.read_text()
        yield Serving(root, port, process, log_file)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if not tethered and running_supervisor(root) is None:
            stop_left_over(root, grace_s=0)


@pytest.fixture
def serve() -> Callable[..., AbstractContextManager[Serving]]:
    """Serves a root for the time of a `with` block."""
    return serving_of


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Waits until a condition holds."""
    return wait_for


@pytest.fixture
def serving(tmp_path, saved_models) -> Iterator[Serving]:
    """A served root with versions 1 (`plus_two`) and 2 (`plus_three`) of model `m`, nothing live yet."""
    base = ModelStore(tmp_path / "root").model("m")
    for name in ("plus_two", "plus_three"):
        base.publish(saved_models / name)
    with serving_of(tmp_path / "root", "--max-request-mb", str(MAX_REQUEST_MB)) as serving:
        yield serving


@dataclass(frozen=True)
class Answer:
    at: float
    protocol: str
    track: str
    value: float | None
    fault: str = ""
    version: str | None = None
    """The version that the answer says it is from."""
    spec: str | None = None
    """The same as the message itself says (gRPC)."""


@dataclass
class Load:
    """Steady requests from two threads, REST and gRPC, and every answer they got."""

    address: str
    model: str = "m"
    pause_s: float = 0.01
    x: Callable[[int], float] = lambda number: 2.0
    answers: list[Answer] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        grpc_api()
        self._threads = [threading.Thread(target=target) for target in (self._rest, self._grpc)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    @property
    def failures(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.fault]

    def await_more(self, count: int) -> list[Answer]:
        """Waits for this many more answers and returns them."""
        start = len(self.answers)
        wait_for(lambda: len(self.answers) >= start + count, what=f"{count} answers")
        return self.answers[start:]

    def _rest(self) -> None:
        import httpx

        with httpx.Client(timeout=30, trust_env=False) as http:
            number = 0
            while not self._end.wait(self.pause_s):
                at, number = time.time(), number + 1
                try:
                    response = http.post(
                        f"http://{self.address}/v1/models/{self.model}:predict", json={"instances": [self.x(number)]}
                    )
                    track = response.headers.get("x-model-track", "")
                    if response.status_code == 200:
                        version = response.headers.get("x-model-version")
                        self.answers.append(Answer(at, "rest", track, response.json()["predictions"][0], version=version))
                    else:
                        self.answers.append(Answer(at, "rest", track, None, f"{response.status_code} {response.text}"))
                except httpx.HTTPError as error:
                    self.answers.append(Answer(at, "rest", "", None, repr(error)))

    def _grpc(self) -> None:
        import grpc

        api, number = grpc_api(), 0
        with open_channel(self.address) as channel:
            stub = prediction_stub(channel)
            while not self._end.wait(self.pause_s):
                at, number = time.time(), number + 1
                request = api.predict_pb2.PredictRequest()
                request.model_spec.name = self.model
                request.inputs["x"].dtype = api.types_pb2.DT_FLOAT
                request.inputs["x"].tensor_shape.dim.add(size=1)
                request.inputs["x"].float_val.append(self.x(number))
                try:
                    response, call = stub.Predict.with_call(request, timeout=30)
                    track = dict(call.initial_metadata()).get("x-model-track", "")
                    version = dict(call.trailing_metadata()).get("x-model-version")
                    spec = str(response.model_spec.version.value)
                    self.answers.append(Answer(at, "grpc", track, response.outputs["y"].float_val[0], version=version, spec=spec))
                except grpc.RpcError as error:
                    track = dict(error.trailing_metadata() or ()).get("x-model-track", "")
                    self.answers.append(Answer(at, "grpc", track, None, f"{error.code()} {error.details()}"))
