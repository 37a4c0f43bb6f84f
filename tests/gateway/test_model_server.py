"""The gateway before the embedded model server: labels, pins and replayed rows reach real models."""

from __future__ import annotations

import json
import time

import pytest

from tfx_rollout.gateway import GatewayConfig, ModelRoutes, Upstream
from tfx_rollout.replay import ReplaySettings, replay
from tfx_rollout.serving import ModelServerProcess, ServedModel, render_model_config
from tfx_rollout.serving.prediction_log import prediction_log_environment
from tfx_rollout.traffic import FULL, Split, Track

pytestmark = pytest.mark.integration


@pytest.fixture
def server(tmp_path, plus):
    base = tmp_path / "sums"
    for version in (1, 2):
        (base / str(version)).mkdir(parents=True)
        (base / str(version) / "saved_model.pb").write_bytes(plus(version))
    config = tmp_path / "models.config"
    config.write_text(render_model_config([ServedModel("sums", base, (1, 2), {"stable": 1, "canary": 2})]))
    environment = prediction_log_environment(tmp_path / "predictions")
    server = ModelServerProcess.start("sums", config, tmp_path / "server.log", environment=environment)
    for version in (1, 2):
        server.wait_available("sums", version, timeout_s=60)
    yield server
    server.stop(5)


def test_labels_pins_and_replayed_rows_reach_the_version_they_are_for(server, gateway, clients):
    upstreams = {
        track: Upstream(server.host, server.grpc_port, server.rest_port, track.value) for track in (Track.STABLE, Track.CANARY)
    }
    gateway.apply(GatewayConfig((ModelRoutes("sums", upstreams, Split(4000)),)))
    body = {"instances": [4.0]}
    for track, version in (("stable", 1), ("canary", 2)):
        answer = clients.rest("/v1/models/sums:predict", body=body, headers={"x-model-track": track})
        assert (answer.body, answer.track) == ({"predictions": [4.0 + version]}, track)
        pinned = clients.rest(f"/v1/models/sums/versions/{version}:predict", body=body)
        assert (pinned.body, pinned.track) == ({"predictions": [4.0 + version]}, "pinned")
        labelled = clients.rest(f"/v1/models/sums/labels/{track}/metadata", method="GET")
        assert labelled.body["model_spec"]["version"] == str(version)
    report = replay(ReplaySettings(gateway.address, "sums", rate=60, seconds=2), [{"x": float(n)} for n in range(20)])
    assert (report.requests, report.failures) == (120, 0)
    versions = {name: dict(track.versions) for name, track in report.tracks.items()}
    # Both protocols tell.
    assert versions == {name: {1 + (name == "canary"): track.requests} for name, track in report.tracks.items()}


def test_what_stable_and_shadow_predicted_for_a_request_is_known_by_its_id(server, gateway, clients, tmp_path):
    tracks = {
        track: Upstream(server.host, server.grpc_port, server.rest_port, label)
        for track, label in ((Track.STABLE, "stable"), (Track.SHADOW, "canary"))
    }
    gateway.apply(GatewayConfig((ModelRoutes("sums", tracks, mirror=FULL),)))
    answers = [clients.rest("/v1/models/sums:predict", body={"instances": [float(n)]}) for n in range(30)]
    deadline = time.monotonic() + 30
    while len(lines := logged(tmp_path / "predictions")) < 60:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found = {(line["id"], line["version"]): line["prediction"] for line in lines}
    assert len(found) == 60
    for number, answer in enumerate(answers):
        assert found[answer.request_id, 1] == answer.body["predictions"] == [number + 1]
        assert found[answer.request_id, 2] == [number + 2]


def logged(folder):
    return [json.loads(line) for part in sorted(folder.glob("*.jsonl")) for line in part.read_text().splitlines()]
