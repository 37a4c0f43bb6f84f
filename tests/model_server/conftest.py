"""A Session that needs no TensorFlow for the pure tests; SavedModels and real server processes for the others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from tfx_rollout.model_server.runtime.base import Run
from tfx_rollout.model_server.servable import Servable
from tfx_rollout.model_server.status import Code, ServingError
from tfx_rollout.serving.grpc_stubs import grpc_api, open_channel
from tfx_rollout.serving.ports import free_port

START_TIMEOUT_S = 180


class EchoSession:
    """Answers each fetch with the first feed."""

    def __init__(self) -> None:
        self.closed = False

    def callable(self, feeds: Sequence[str], fetches: Sequence[str], targets: Sequence[str]) -> Run:
        return lambda arrays: [arrays[0] for _ in fetches]

    def close(self) -> None:
        self.closed = True


class EchoLoader:
    """Loads versions at once; `broken` maps a version to the number of attempts that fail first (-1: all)."""

    def __init__(self) -> None:
        self.broken: dict[int, int] = {}
        self.attempts: list[int] = []
        self.sessions: dict[int, EchoSession] = {}

    def __call__(self, name: str, version: int, path: Path) -> Servable:
        self.attempts.append(version)
        if self.broken.get(version):
            self.broken[version] -= 1
            raise ServingError(Code.NOT_FOUND, f"no model in {path}")
        self.sessions[version] = EchoSession()
        return Servable(name, version, self.sessions[version], {}, b"")


@pytest.fixture
def loader() -> EchoLoader:
    return EchoLoader()


@pytest.fixture(scope="session")
def saved_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that build_models.py filled, built once."""
    root = tmp_path_factory.mktemp("models")
    script = Path(__file__).with_name("build_models.py")
    built = subprocess.run([sys.executable, script, root], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return root


@dataclass
class Server:
    """A server process under test, with clients for its ports."""

    process: subprocess.Popen[bytes]
    port: int
    rest_port: int
    output: Path
    log: Path
    channel: grpc.Channel = field(init=False)
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        api = grpc_api()
        self.channel = open_channel(f"127.0.0.1:{self.port}")
        self.prediction = api.prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model = api.model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.rest_port}", trust_env=False, timeout=30)

    def await_serving(self) -> None:
        """Until both ports answer."""
        await_that(lambda: self.process.poll() is not None or self.rest_answers(), START_TIMEOUT_S)
        assert self.process.poll() is None, self.log.read_text() + self.output.read_text()
        grpc.channel_ready_future(self.channel).result(START_TIMEOUT_S)

    def rest_answers(self) -> bool:
        try:
            self.http.get("/v1/models/any")
        except httpx.TransportError:
            return False
        return True

    def states(self, model: str) -> dict[int, str]:
        """Version to state as REST tells it; empty for an unknown model."""
        answer = self.http.get(f"/v1/models/{model}")
        return {int(v["version"]): v["state"] for v in answer.json().get("model_version_status", [])}

    def rest_predict(self, target: str, instances: list[Any]) -> Any:
        """The predictions; `target` is MODEL with optional /versions/N or /labels/L."""
        answer = self.http.post(f"/v1/models/{target}:predict", json={"instances": instances})
        assert answer.status_code == 200, answer.text
        return answer.json()["predictions"]

    def stop(self) -> None:
        self.channel.close()
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def await_that(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    """Polls until the condition holds; fails when it never does."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


@contextmanager
def running(folder: Path, *flags: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    """A started server process, not necessarily ready; ended at the exit."""
    folder.mkdir(parents=True, exist_ok=True)
    port, rest_port = free_port(), free_port()
    command = [sys.executable, "-m", "tfx_rollout.model_server", f"--port={port}", f"--rest_api_port={rest_port}", *flags]
    output, log = folder / "stdout", folder / "stderr"
    with output.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env={**os.environ, **(env or {})})
    server = Server(process, port, rest_port, output, log)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test."""
    stack: list[Any] = []

    def start_one(*flags: str, env: dict[str, str] | None = None, ready: bool = True) -> Server:
        context = running(tmp_path / f"server-{len(stack)}", *flags, env=env)
        server = context.__enter__()
        stack.append(context)
        if ready:
            server.await_serving()
        return server

    yield start_one
    for context in reversed(stack):
        context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def server(saved_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with all good models, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("shared-server")
    config = folder / "models.config"
    entries = [
        config_entry("affine", saved_models / "affine", versions=(1, 2), labels={"stable": 1, "canary": 2, "gone": 9}),
        *[config_entry(name, saved_models / name) for name in ("columns", "types", "keras", "main_op", "legacy", "defaults")],
    ]
    config.write_text(config_text(*entries))
    flags = (f"--model_config_file={config}", "--allow_version_labels_for_unavailable_models")
    with running(folder, *flags, "--rest_api_enable_cors_support") as one:
        one.await_serving()
        yield one


def config_entry(name: str, base_path: Path, *, versions: Sequence[int] = (), labels: dict[str, int] | None = None) -> str:
    """One `config { … }` of a ModelConfigList; no versions mean the default policy, latest."""
    policy = "model_version_policy { specific { " + " ".join(f"versions: {v}" for v in versions) + " } }" if versions else ""
    named = " ".join(f'version_labels {{ key: "{k}" value: {v} }}' for k, v in (labels or {}).items())
    return f'config {{ name: "{name}" base_path: "{base_path}" model_platform: "tensorflow" {policy} {named} }}'


def config_text(*entries: str) -> str:
    return "model_config_list { " + "\n".join(entries) + " }"


def predict_request(
    model: str, signature: str = "", *, version: int | None = None, label: str | None = None, **inputs: Any
) -> Any:
    """A PredictRequest with these numpy-able inputs, as `tf.make_tensor_proto` would write them."""
    api = grpc_api()
    request = api.predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    for alias, value in inputs.items():
        request.inputs[alias].CopyFrom(tensor(value))
    return request


def tensor(value: Any) -> Any:
    """A TensorProto: strings in string_val, numbers in tensor_content."""
    api = grpc_api()
    array = np.asarray(value)
    numbers = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "bool": 10, "bytes": 7}
    kind = "bytes" if array.dtype.kind in "SO" else array.dtype.name
    proto = api.tensor_pb2.TensorProto(dtype=numbers[kind])
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if kind == "bytes":
        proto.string_val.extend(array.reshape(-1).tolist())
    else:
        proto.tensor_content = array.tobytes()
    return proto


def float32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.fixture(scope="session")
def wire() -> Any:
    """The functions above that write requests and configurations, for test modules."""
    return sys.modules[__name__]
