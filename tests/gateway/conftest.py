"""A peer that speaks TensorFlow Serving's protocols, a gateway before it, and clients of both."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from tfx_rollout.gateway import Gateway, GatewayConfig, GatewaySettings, ModelRoutes, Upstream
from tfx_rollout.gateway.admin import AdminClient
from tfx_rollout.serving import free_port, grpc_api, open_channel, prediction_stub
from tfx_rollout.traffic import Split, Track

MODEL = "taxi"
ECHO = Path(__file__).with_name("echo_upstream.py")


class Peer:
    """One echo server in a process of its own."""

    def __init__(self):
        self.grpc_port, self.rest_port = free_port(), free_port()
        command = [sys.executable, str(ECHO), str(self.grpc_port), str(self.rest_port)]
        # Appended to by the peer whatever is read here: both share one position.
        self._out = tempfile.TemporaryFile("a+")  # noqa: SIM115 - closed by `stop`
        self._process = subprocess.Popen(command, stdout=self._out)
        deadline = time.monotonic() + 30
        while not self._said().startswith("ready"):
            assert time.monotonic() < deadline, "the peer does not listen"
            time.sleep(0.01)

    @property
    def pid(self):
        return self._process.pid

    def seen(self):
        """Id, and label or path, of each Predict call that reached it."""
        return [tuple(line.split(" ")) for line in self._said().splitlines()[1:]]

    def await_seen(self, identities):
        """Waits until the calls with these ids have reached it."""
        deadline = time.monotonic() + 30
        while not identities <= {identity for identity, _ in self.seen()}:
            assert time.monotonic() < deadline, f"not all of {identities} came"
            time.sleep(0.01)

    def _said(self):
        self._out.seek(0)
        return self._out.read()

    def upstream(self, label):
        return Upstream("127.0.0.1", self.grpc_port, self.rest_port, label)

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._out.close()


class Hold:
    """What holds the peer's answers back until it is released."""

    def __init__(self, path):
        self._path = path

    def __str__(self):
        return str(self._path)

    def release(self):
        self._path.touch()


@dataclass(frozen=True)
class GrpcAnswer:
    code: str
    track: str | None
    version: int
    label: str
    request_id: str | None
    """As the client gets it; `seen_id` is the one that reached the server."""
    seen_id: str | None = None


@dataclass(frozen=True)
class RestAnswer:
    code: int
    track: str | None
    body: dict
    request_id: str | None


class Clients:
    """Calls of both protocols through a gateway, each answer reduced to what the tests look at."""

    def __init__(self, address):
        self.address = address
        self.channel = open_channel(address)
        self.stub = prediction_stub(self.channel)
        self.api = grpc_api()

    def request(self, *, model=MODEL, label=None, version=None, hold=None, fail=None, padding=0):
        request = self.api.predict_pb2.PredictRequest()
        request.model_spec.name = model
        if label is not None:
            request.model_spec.version_label = label
        if version is not None:
            request.model_spec.version.value = version
        if hold is not None:
            request.inputs["hold"].string_val.append(str(hold).encode())
        if fail is not None:
            request.inputs["fail"].int_val.append(fail)
        if padding:
            request.inputs["padding"].tensor_content = b"x" * padding
        return request

    def grpc(self, *, headers=(), timeout=20, **choice):
        call = self.stub.Predict.future(self.request(**choice), metadata=headers, timeout=timeout)
        with contextlib.suppress(grpc.RpcError):
            answer = call.result()
        headers = {**dict(call.initial_metadata() or ()), **dict(call.trailing_metadata() or ())}
        track, identity = headers.get("x-model-track"), headers.get("x-request-id")
        if call.code() is not grpc.StatusCode.OK:
            return GrpcAnswer(call.code().name, track, 0, call.details(), identity)
        label, seen = (answer.outputs[name].string_val[0].decode() for name in ("label", "id"))
        return GrpcAnswer("OK", track, answer.model_spec.version.value, label, identity, seen)

    def rest(self, path=f"/v1/models/{MODEL}:predict", *, body=None, headers=None, method=None, timeout=20):
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"http://{self.address}{path}", data=data, headers=headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return _rest_answer(answer.status, answer)
        except urllib.error.HTTPError as error:
            return _rest_answer(error.code, error)

    def close(self):
        self.channel.close()


def _rest_answer(code, answer):
    return RestAnswer(code, answer.headers["x-model-track"], json.loads(answer.read()), answer.headers["x-request-id"])


class Load:
    """Calls of both protocols without a pause from a few threads; keeps when each began and ended, and its answer."""

    def __init__(self, clients, threads=2):
        self.answers = []
        self._clients, self._over = clients, threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number % 2,)) for number in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def failed(self):
        return [answer for _, _, answer in self.answers if answer.code not in ("OK", 200)]

    def await_answers(self, since):
        """Waits for answers of both protocols to calls that began after this time."""
        deadline = time.monotonic() + 30
        while len({type(answer) for began, _, answer in self.answers[-100:] if began > since}) < 2:
            assert time.monotonic() < deadline, "no more answers"
            time.sleep(0.002)

    def _send(self, rest):
        while not self._over.is_set():
            began = time.monotonic()
            answer = self._clients.rest() if rest else self._clients.grpc()
            self.answers.append((began, time.monotonic(), answer))


@pytest.fixture(scope="session")
def peer():
    peer = Peer()
    yield peer
    peer.stop()


@pytest.fixture
def another_peer():
    peer = Peer()
    yield peer
    peer.stop()


@pytest.fixture
def hold(tmp_path):
    """Given to calls, it holds their answers back; released at the latest at the test's end."""
    hold = Hold(tmp_path / "released")
    yield hold
    hold.release()


@pytest.fixture
def make_gateway(tmp_path):
    """Makes gateways in this test's folder; all are stopped at its end."""
    made = []

    def make(**settings):
        made.append(new_gateway(tmp_path / f"gateway-{len(made)}", **settings))
        return made[-1]

    yield make
    for gateway in made:
        gateway.stop(0)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """One gateway for all tests that only tell it what to route."""
    gateway = new_gateway(tmp_path_factory.mktemp("shared") / "gateway")
    gateway.start()
    yield gateway
    # A script that fails lets the request pass as it is, so nobody would notice.
    failed = {name: n for name, n in AdminClient(gateway.settings.admin_port).statistics(r"lua\.errors$").items() if n != "0"}
    gateway.stop(0)
    assert not failed


@pytest.fixture
def connect():
    """Makes clients of a gateway; their channels are closed at the test's end."""
    made = []

    def connect(gateway):
        made.append(Clients(gateway.address))
        return made[-1]

    yield connect
    for clients in made:
        clients.close()


@pytest.fixture
def clients(gateway, connect):
    return connect(gateway)


def two_labels(peer, canary, **more):
    """One model, split between two labels of one peer."""
    tracks = {Track.STABLE: peer.upstream("stable"), Track.CANARY: peer.upstream("canary")}
    return GatewayConfig((ModelRoutes(MODEL, tracks, Split(canary), **more),))


@pytest.fixture
def config(peer):
    """Makes the configuration of a split between the two labels of the shared peer."""
    return lambda canary, **more: two_labels(peer, canary, **more)


@pytest.fixture
def split(gateway, peer):
    """Applies a split between the two labels of the shared peer to the shared gateway."""
    return lambda canary, **more: gateway.apply(two_labels(peer, canary, **more))


@pytest.fixture
def load(clients):
    """Load on the shared gateway."""
    return lambda **how: Load(clients, **how)


def new_gateway(directory, **settings):
    ports = {"port": free_port(), "admin_port": free_port(), **settings}
    return Gateway(directory, GatewaySettings(access_log=directory / "access", **ports))


@pytest.fixture(scope="session")
def plus():
    """Makes the bytes of a SavedModel, y = x + a number."""
    return plus_model


def plus_model(number):
    """A SavedModel without variables, y = x + number, written by its messages alone: TensorFlow takes long to import."""
    float32 = grpc_api().types_pb2.DT_FLOAT
    graph = sys.modules["tensorflow.core.protobuf.meta_graph_pb2"].MetaGraphDef()
    graph.meta_info_def.tags.append("serve")
    x, added, y = (
        graph.graph_def.node.add(name=name, op=op) for name, op in (("x", "Placeholder"), ("n", "Const"), ("y", "AddV2"))
    )
    x.attr["dtype"].type = added.attr["dtype"].type = y.attr["T"].type = float32
    x.attr["shape"].shape.dim.add().size = -1
    added.attr["value"].tensor.dtype = float32
    added.attr["value"].tensor.float_val.append(number)
    y.input.extend(["x", "n"])
    signature = graph.signature_def["serving_default"]
    signature.method_name = "tensorflow/serving/predict"
    for info, name in ((signature.inputs["x"], "x:0"), (signature.outputs["y"], "y:0")):
        info.name, info.dtype = name, float32
        info.tensor_shape.dim.add().size = -1
    body = graph.SerializeToString()
    # SavedModel{saved_model_schema_version = 1, meta_graphs = 2}
    return b"\x08\x01\x12" + _varint(len(body)) + body


def _varint(number):
    low, rest = number % 128, number // 128
    return bytes([low]) if not rest else bytes([low + 128]) + _varint(rest)
