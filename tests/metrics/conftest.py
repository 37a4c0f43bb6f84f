"""A root whose gateway's access log is written here, as the gateway writes it."""

from __future__ import annotations

import itertools
import time

import pytest

from tfx_rollout.gateway.log_format import FIELDS
from tfx_rollout.metrics import TrafficMetrics
from tfx_rollout.model_store import ModelStore

T0 = 1_795_000_000.0


class AccessLog:
    """One log of the gateway. Requests are written in the order of their ends."""

    def __init__(self, folder, start=T0):
        self.folder, self.numbers = folder, itertools.count()
        self.begin(start)

    def begin(self, start):
        """The gateway starts anew."""
        self.path = self.folder / f"{round(start * 1000)}.log"
        self.path.touch()

    def line(self, end, ms=5.0, **fields):
        start = end - ms / 1000
        values = {
            "start": f"{start:.6f}",
            "emitted": f"{end:.6f}",
            "kind": "DownstreamEnd",
            "connection": next(self.numbers),
            "http_code": 200,
            "received_us": 0,
            "answered_us": round(ms * 1000),
            "attempts": 1,
            "request_id": f"id-{next(self.numbers)}",
            **fields,
        }
        return " ".join(str(values.get(name, "-")) for name, _ in FIELDS) + "\n"

    def write(self, text):
        with self.path.open("a") as log:
            log.write(text)

    def request(self, end, ms=5.0, **fields):
        self.write(self.request_line(end, ms, **fields))

    def request_line(self, end, ms=5.0, *, track="stable", model="taxi", code=0, version=1, **fields):
        route = "shadow" if track == "shadow" else f"draw/{model}/grpc"
        answer = {"route": route, "cluster": f"{model}~{track}~grpc", "grpc_code": code, "version": version}
        return self.line(end, ms, **{**answer, **fields})

    def heartbeat(self, at):
        self.write(self.line(at, 0.05, route="heartbeat", attempts=0))


@pytest.fixture
def store(tmp_path):
    store = ModelStore(tmp_path / "root")
    (store.gateway_dir / "access").mkdir(parents=True)
    store.model("taxi").create()
    return store


@pytest.fixture
def log(store):
    return AccessLog(store.gateway_dir / "access")


@pytest.fixture
def clock():
    """The present; tests move it."""
    return [T0]


@pytest.fixture
def reader(store, clock):
    """Makes a reader that begins now."""
    return lambda **settings: TrafficMetrics(store, now=lambda: clock[0], **settings)


@pytest.fixture
def read_all():
    """Advances until all is read."""

    def read_all(traffic):
        deadline = time.monotonic() + 30
        while traffic.advance():
            assert time.monotonic() < deadline
        return traffic

    return read_all
