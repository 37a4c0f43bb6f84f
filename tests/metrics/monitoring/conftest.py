"""A real Prometheus, by the files that ship."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time

import httpx
import pytest
import yaml

from tfx_rollout.metrics.monitoring import FOLDER
from tfx_rollout.serving import free_port


class Prometheus:
    """A client of a Prometheus."""

    def __init__(self, client):
        self.client = client

    @property
    def url(self):
        return str(self.client.base_url)

    @property
    def is_ready(self):
        try:
            return self.client.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def samples(self, expression):
        """Labels and value of everything that a query gives now."""
        answer = self.client.get("/api/v1/query", params={"query": expression}).json()
        assert answer["status"] == "success", answer
        return [(sample["metric"], float(sample["value"][1])) for sample in answer["data"]["result"]]

    def values(self, expression):
        """The numbers that a query gives now."""
        return [value for _, value in self.samples(expression) if value == value]


@pytest.fixture(scope="session")
def eventually():
    """Waits until a condition holds; fails with the sentence when it does not within so many seconds."""

    def eventually(condition, sentence, seconds=25):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, sentence
            time.sleep(0.2)

    return eventually


@pytest.fixture(scope="session")
def prometheus_of(eventually):
    """`with prometheus_of(folder, address) as prometheus`: scrapes the address each second, as `scrape.yaml` says.

    With a `token` it is sent along, from the file that `scrape.yaml` names.
    """

    @contextlib.contextmanager
    def prometheus_of(folder, address, token=None):
        config = yaml.safe_load((FOLDER / "scrape.yaml").read_text())
        (scrape,) = config["scrape_configs"]
        scrape |= {"scrape_interval": "1s", "static_configs": [{"targets": [address]}]}
        if token is None:
            del scrape["authorization"]
        else:
            (folder / scrape["authorization"]["credentials_file"]).write_text(token)
        config["global"] = {"evaluation_interval": "1s"}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        shutil.copy(FOLDER / "rules.yaml", folder)
        port = free_port()
        arguments = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(["prometheus", *arguments], cwd=folder, stdout=log, stderr=log)
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                    prometheus = Prometheus(client)
                    eventually(lambda: prometheus.is_ready or process.poll() is not None, "Prometheus is not ready")
                    assert process.poll() is None, (folder / "log").read_text()
                    yield prometheus
            finally:
                process.terminate()
                process.wait(30)

    return prometheus_of
