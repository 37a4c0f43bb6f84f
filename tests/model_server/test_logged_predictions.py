"""The prediction log of a real server process, by both protocols."""

from __future__ import annotations

import json
import signal

import pytest

from tfx_rollout.model_server.prediction_log import LOG_VARIABLE

pytestmark = pytest.mark.integration


def test_every_answered_call_with_an_id_is_in_the_log_when_the_server_has_ended(start, saved_models, wire, tmp_path):
    folder = tmp_path / "predictions"
    flags = ("--model_name=affine", f"--model_base_path={saved_models / 'affine'}")
    server = start(*flags, env={LOG_VARIABLE: str(folder)})
    request = wire.predict_request("affine", x=wire.float32(1, 2))
    for number in range(20):
        server.prediction.Predict(request, metadata=[("x-request-id", f"grpc-{number}")])
    body = {"instances": [1]}
    answer = server.http.post("/v1/models/affine:predict", json=body, headers={"X-Request-Id": "rest"})
    assert answer.json() == {"predictions": [3.5]}
    # Without an id, and without an answer.
    server.rest_predict("affine", [1])
    assert server.http.post("/v1/models/affine:predict", json={}, headers={"x-request-id": "bad"}).status_code == 400
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0
    lines = [json.loads(line) for part in folder.iterdir() for line in part.read_text().splitlines()]
    assert [(line["id"], line["model"], line["version"], line["prediction"]) for line in lines] == [
        *((f"grpc-{number}", "affine", 3, [3.5, 4.0]) for number in range(20)),
        ("rest", "affine", 3, [3.5]),
    ]
