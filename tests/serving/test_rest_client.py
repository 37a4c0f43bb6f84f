"""The client against a loopback server that gives TensorFlow Serving's own answers."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tfx_rollout.errors import ServerFailed
from tfx_rollout.serving import ModelServerClient, VersionStatus
from tfx_rollout.traffic import VersionState

STATES = {
    "model_version_status": [
        {"version": "2", "state": "END", "status": {"error_code": "NOT_FOUND", "error_message": "no graph"}},
        {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}},
    ]
}
ANSWERS = {
    "GET /v1/models/taxi": (200, STATES),
    "GET /v1/models/none": (404, {"error": "Could not find any versions of model none"}),
    "GET /v1/models/odd": (200, {"what": "else"}),
    "GET /v1/models/taxi/labels/stable/metadata": (200, {"model_spec": {"name": "taxi", "version": "1"}}),
    "GET /v1/models/taxi/labels/canary/metadata": (400, {"error": "Unrecognized servable version label: canary"}),
    "POST /v1/models/taxi:predict": (200, {"predictions": [float("nan")]}),
    "POST /v1/models/taxi/versions/3:predict": (404, {"error": "Servable not found for request: Specific(taxi, 3)"}),
    "POST /v1/models/taxi/labels/stable:predict": (200, {"predictions": [1.0]}),
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        code, body = ANSWERS[f"{self.command} {self.path}"]
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    do_POST = do_GET

    def log_message(self, *_):
        """Nothing on the console."""


@pytest.fixture(scope="module")
def client():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with ModelServerClient(f"127.0.0.1:{server.server_port}", timeout_s=5) as client:
        yield client
    server.shutdown()
    server.server_close()


def test_states_have_the_load_error_of_a_version_that_ended_badly(client):
    assert client.version_states("taxi") == {
        1: VersionStatus(VersionState.AVAILABLE),
        2: VersionStatus(VersionState.END, "no graph"),
    }


def test_an_unknown_model_has_no_versions(client):
    assert client.version_states("none") == {}


def test_an_answer_that_is_no_state_is_a_fault_of_the_server(client):
    with pytest.raises(ServerFailed, match="gave no state of model odd"):
        client.version_states("odd")


def test_a_label_tells_its_version_or_none(client):
    assert client.label_version("taxi", "stable") == 1
    assert client.label_version("taxi", "canary") is None


def test_a_prediction_may_hold_nan_and_a_refusal_is_an_answer(client):
    assert str(client.predict("taxi", {"instances": [1]}).body["predictions"][0]) == "nan"
    assert client.predict("taxi", {"instances": [1]}, label="stable").ok
    refused = client.predict("taxi", {"instances": [1]}, version=3)
    assert (refused.ok, refused.code, refused.error) == (False, 404, "Servable not found for request: Specific(taxi, 3)")


def test_a_server_that_does_not_answer_is_named():
    with (
        ModelServerClient("127.0.0.1:9", timeout_s=1) as client,
        pytest.raises(ServerFailed, match=r"127\.0\.0\.1:9 does not answer"),
    ):
        client.version_states("taxi")
