"""A real Prometheus scrapes the real API, with a token that may read, as the part of its configuration that ships says."""

from __future__ import annotations

import shutil
import subprocess
import sys

import httpx
import pytest

from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import Role, TokenWanted
from tfx_rollout.model_store import ModelStore
from tfx_rollout.serving import free_port
from tfx_rollout.traffic import Label

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed"),
]


@pytest.fixture
def store(tmp_path):
    """A root with a live version, to which nobody comes without a token."""
    store = ModelStore(tmp_path / "root")
    source = tmp_path / "source"
    source.mkdir()
    (source / "saved_model.pb").write_text("one")
    base = store.model("taxi")
    base.publish(source)
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return store


@pytest.fixture
def token(store):
    return TokenFile(store.access_dir).create(TokenWanted(name="prometheus", role=Role.READ), by="test").secret


@pytest.fixture
def address(store, token, tmp_path, eventually):
    """Where the API answers."""
    port = free_port()
    command = [sys.executable, "-m", "tfx_rollout.control", "--root", str(store.root), "--port", str(port)]
    with (tmp_path / "api.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            eventually(lambda: is_healthy(port), "the API does not answer")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def is_healthy(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_prometheus_gets_the_metrics_by_its_token(address, token, tmp_path, prometheus_of, eventually):
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with prometheus_of(folder, address, token) as prometheus:
        eventually(lambda: prometheus.values("up") == [1], "the API could not be scraped")
        assert prometheus.values('tfx_rollout_desired_generation{model="taxi"}') == [1]
        assert prometheus.values("tfx_rollout_supervisor_up") == [0]
        assert prometheus.values("process_resident_memory_bytes")[0] > 1e6


def test_without_a_token_it_gets_nothing_and_the_alert_has_something_to_say(address, tmp_path, prometheus_of, eventually):
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with prometheus_of(folder, address, "no-token-of-this-root") as prometheus:
        eventually(lambda: prometheus.values("up"), "nothing was scraped")
        (target,) = prometheus.client.get("/api/v1/targets").json()["data"]["activeTargets"]
        assert "401" in target["lastError"]
        eventually(lambda: prometheus.samples('ALERTS{alertname="TfxRolloutMetricsAbsent"}'), "no alert is pending")
        assert prometheus.samples("tfx_rollout_desired_generation") == []
