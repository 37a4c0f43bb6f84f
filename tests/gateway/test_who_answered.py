"""Answers say which version and track they are from: by the server's own word, else by what the route knows; never wrongly."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, replace
from types import SimpleNamespace

import grpc
import httpx
import pytest

from tfx_rollout.evidence.access_log_line import LogLine
from tfx_rollout.gateway import GatewayConfig, ModelRoutes, Upstream
from tfx_rollout.gateway.access_log_folder import log_parts
from tfx_rollout.serving import ModelServerProcess, ServedModel, free_port, grpc_api, model_stub, render_model_config
from tfx_rollout.traffic import FULL, Split, Track

pytestmark = pytest.mark.integration


def rest(clients, path, body=None, **headers):
    """Code, and what the headers say of version and track."""
    method = "GET" if body is None else "POST"
    answer = httpx.request(
        method, f"http://{clients.address}/v1/models/{path}", json=body, headers=headers, trust_env=False, timeout=20
    )
    return answer.status_code, answer.headers.get("x-model-version"), answer.headers.get("x-model-track")


def by_grpc(call, request, *headers):
    """Status, and what the metadata say of version and track."""
    running = call.future(request, metadata=headers, timeout=20)
    said = {**dict(running.initial_metadata() or ()), **dict(running.trailing_metadata() or ())}
    return running.code().name, said.get("x-model-version"), said.get("x-model-track")


@pytest.fixture
def known(gateway, peer, another_peer, clients):
    """Servers that name no version, behind routes that know them."""
    canary = replace(another_peer.upstream("canary"), version=8)
    tracks = {Track.STABLE: replace(peer.upstream("stable"), version=7), Track.CANARY: canary}
    gateway.apply(GatewayConfig((ModelRoutes("taxi", tracks, Split(5000)),)))
    return clients


def test_answers_of_a_server_that_names_no_version_have_the_one_of_their_track(known):
    said = {"stable": "7", "canary": "8"}
    for answers in ([rest(known, "taxi:predict", {}) for _ in range(40)], [predict(known) for _ in range(40)]):
        assert {(version, track) for _, version, track in answers} == {(number, track) for track, number in said.items()}
    for track, number in said.items():
        assert rest(known, "taxi:predict", {}, **{"x-model-track": track}) == (200, number, track)
        assert predict(known, ("x-model-track", track)) == ("OK", number, track)
        assert rest(known, "taxi:predict", {"status": 500}, **{"x-model-track": track}) == (500, number, track)
        assert predict(known, ("x-model-track", track), fail=3) == ("INVALID_ARGUMENT", number, track)
    for choice in ({"version": 8}, {"label": "canary"}):
        assert predict(known, **choice) == ("OK", "8", "pinned")
    assert rest(known, "taxi/versions/8:predict", {}) == rest(known, "taxi/labels/canary:predict", {}) == (200, "8", "pinned")
    assert rest(known, "taxi/metadata") == (200, "7", "stable")


def test_no_answer_has_a_version_that_did_not_give_it(known, gateway):
    # What pins something on the primary server may be about any version of it.
    assert rest(known, "taxi/versions/3:predict", {}) == (200, None, "pinned")
    assert predict(known, version=3) == ("OK", None, "pinned")
    for path in ("taxi", "taxi/versions/8", "taxi/labels/canary"):
        assert rest(known, path) == (200, None, "pinned")
    status = known.api.get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name, status.model_spec.version.value = "taxi", 8
    assert by_grpc(model_stub(known.channel).GetModelStatus, status) == ("OK", None, "pinned")
    # The gateway's own answers.
    assert rest(known, "tax:predict", {}) == (404, None, None)
    assert rest(known, "taxi:predict", {}, **{"x-model-track": "blue"}) == (404, None, None)
    assert predict(known, ("x-model-track", "blue")) == ("NOT_FOUND", None, None)
    gone = Upstream("127.0.0.1", free_port(), free_port(), "stable", version=7)
    gateway.apply(GatewayConfig((ModelRoutes("taxi", {Track.STABLE: gone}),)))
    assert rest(known, "taxi:predict", {}) == (503, None, "stable")
    assert predict(known) == ("UNAVAILABLE", None, "stable")


def test_a_client_has_no_say_in_it(known):
    asked = {"x-model-version": "99", "x-model-track": "stable"}
    assert rest(known, "taxi:predict", {}, **asked) == (200, "7", "stable")
    assert predict(known, *asked.items()) == ("OK", "7", "stable")
    assert rest(known, "taxi/versions/3:predict", {}, **asked) == (200, None, "pinned")


def test_the_access_log_has_the_version_of_each_answer(known, gateway):
    asked = [("rest", 8, 200), ("grpc", 8, 0), ("grpc-error", 8, 3), ("none", None, 404)]
    began = time.time()
    canary = {"x-model-track": "canary"}
    rest(known, "taxi:predict", {}, **canary, **{"x-request-id": "who-rest"})
    predict(known, *canary.items(), ("x-request-id", "who-grpc"))
    predict(known, *canary.items(), ("x-request-id", "who-grpc-error"), fail=3)
    rest(known, "tax:predict", {}, **{"x-request-id": "who-none"})
    deadline = time.monotonic() + 30
    while len(found := {line.request_id: line for line in logged(gateway, began)}) < len(asked):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for name, version, code in asked:
        line = found[f"who-{name}"]
        assert (line.version, line.http_code if line.grpc_code is None else line.grpc_code) == (version, code)


def predict(clients, *headers, **choice):
    return by_grpc(clients.stub.Predict, clients.request(**choice), *headers)


def logged(gateway, since):
    for part in log_parts(gateway.settings.access_log):
        for text in part.path.read_text().splitlines():
            line = LogLine.parse(text)
            if line is not None and line.start >= since and (line.request_id or "").startswith("who-"):
                yield line


@pytest.fixture
def two_servers(tmp_path, plus):
    """The embedded server twice, as in a rollout: the primary one with version 1, and the canary's with version 2."""
    base = tmp_path / "sums"
    for version in (1, 2):
        (base / str(version)).mkdir(parents=True)
        (base / str(version) / "saved_model.pb").write_bytes(plus(version))
    with contextlib.ExitStack() as stack:
        made = {}
        for name, version, label in (("primary", 1, "stable"), ("canary", 2, "canary")):
            config = tmp_path / f"{name}.config"
            config.write_text(render_model_config([ServedModel("sums", base, (version,), {label: version})]))
            server = ModelServerProcess.start(name, config, tmp_path / f"{name}.log")
            stack.callback(server.stop, 5)
            made[name] = (server, config)
        for number, (server, _) in enumerate(made.values(), start=1):
            server.wait_available("sums", number, timeout_s=60)
        yield SimpleNamespace(base=base, primary=made["primary"][0], canary=made["canary"][0], config=made["primary"][1])


@dataclass(frozen=True)
class Said:
    """What one answer says of its version: by the model (it adds its number to 0), the header, and model_spec (gRPC)."""

    model: float
    header: int
    spec: int
    track: str


class SteadyLoad:
    """Predictions of 0 over both protocols without a pause; every answer must be a good one."""

    def __init__(self, clients):
        self.said, self._clients, self._over, self.faults = [], clients, threading.Event(), []
        self._threads = [threading.Thread(target=self._loop, args=(send,)) for send in (self._grpc, self._rest)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def await_more(self, count=40):
        start, deadline = len(self.said), time.monotonic() + 30
        while len(self.said) < start + count and not self.faults:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return self.said[start:]

    def _loop(self, send):
        with httpx.Client(trust_env=False, timeout=20) as http:
            while not self._over.is_set():
                try:
                    self.said.append(send(http))
                except Exception as error:  # noqa: BLE001 - whatever it is, the test must fail by it
                    self.faults.append(error)
                    return

    def _grpc(self, _):
        request = grpc_api().predict_pb2.PredictRequest()
        request.model_spec.name = "sums"
        request.inputs["x"].dtype = 1
        request.inputs["x"].tensor_shape.dim.add(size=1)
        request.inputs["x"].float_val.append(0.0)
        answer, call = self._clients.stub.Predict.with_call(request, timeout=20)
        assert call.code() is grpc.StatusCode.OK
        number = int(dict(call.trailing_metadata())["x-model-version"])
        track = dict(call.initial_metadata())["x-model-track"]
        return Said(answer.outputs["y"].float_val[0], number, answer.model_spec.version.value, track)

    def _rest(self, http):
        answer = http.post(f"http://{self._clients.address}/v1/models/sums:predict", json={"instances": [0.0]})
        assert answer.status_code == 200, answer.text
        number = int(answer.headers["x-model-version"])
        return Said(answer.json()["predictions"][0], number, number, answer.headers["x-model-track"])


def test_through_a_promotion_and_a_rollback_under_load_no_answer_names_another_version_than_its_own(
    two_servers, gateway, clients
):
    def upstream(server, label, version=None):
        return Upstream(server.host, server.grpc_port, server.rest_port, label, version)

    def route(split, *, stable=None, canary=None):
        tracks = {Track.STABLE: upstream(two_servers.primary, "stable", stable)}
        if canary is not None:
            tracks[Track.CANARY] = upstream(two_servers.canary, "canary", canary)
        gateway.apply(GatewayConfig((ModelRoutes("sums", tracks, split),)))

    def primary_holds(versions, stable):
        """The primary server's configuration, in force: it polls the file."""
        draft = two_servers.config.with_suffix(".draft")
        draft.write_text(render_model_config([ServedModel("sums", two_servers.base, versions, {"stable": stable})]))
        draft.replace(two_servers.config)
        for version in versions:
            two_servers.primary.wait_available("sums", version, timeout_s=60)
        deadline = time.monotonic() + 30
        url = f"http://{two_servers.primary.rest_address}/v1/models/sums/labels/stable/metadata"
        while httpx.get(url, trust_env=False).headers.get("x-model-version") != str(stable):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    route(Split(0), stable=1, canary=2)
    with SteadyLoad(clients) as load:
        load.await_more()
        route(Split(FULL // 2), stable=1, canary=2)
        assert {said.track for said in load.await_more()} == {"stable", "canary"}
        # Promotion. The routes say a version only while it is certain, and the server's own word comes first anyway.
        route(Split(FULL // 2), canary=2)
        primary_holds((1, 2), 1)
        primary_holds((1, 2), 2)
        route(Split(0), canary=2)
        route(Split(0), stable=2)
        assert {said.header for said in load.await_more()[5:]} == {2}
        # Rollback, while the routes still tell what was: what a server says itself is never replaced.
        primary_holds((1, 2), 1)
        assert {said.header for said in load.await_more()[5:]} == {1}
        route(Split(0), stable=1)
        load.await_more()
    assert load.faults == []
    wrong = [said for said in load.said if not said.model == said.header == said.spec]
    assert wrong == []
    assert {said.header for said in load.said} == {1, 2}
