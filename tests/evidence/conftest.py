"""Logs that are written here as the gateway and the model servers write them; real ones are read in tests/gateway."""

from __future__ import annotations

import itertools
import json

import pytest

from tfx_rollout.gateway.log_format import FIELDS, HEARTBEAT_S

T0 = 1_795_000_000.0


class Log:
    """A folder of access logs. Lines wait for the heartbeat that comes after them, and are written in their order."""

    def __init__(self, folder):
        self.folder = folder
        self.numbers = itertools.count()
        self.start(T0)

    def start(self, at):
        """The gateway starts anew."""
        self.path = self.folder / f"{round(at * 1000)}.log"
        self.path.touch()
        self.beaten = None
        self.waiting = []

    def put_aside(self, number):
        """The current part becomes an older one."""
        self.flush()
        self.path.rename(self.path.with_name(f"{self.path.stem}.{number:04d}.log"))

    def raw(self, text):
        with self.path.open("a") as log:
            log.write(text)

    def line(self, start, emitted, **fields):
        values = {
            "start": f"{start:.6f}",
            "emitted": f"{emitted:.6f}",
            "kind": "DownstreamEnd",
            "connection": next(self.numbers),
            "http_code": 200,
            "grpc_code": 0,
            "received_us": 0,
            "attempts": 1,
            "request_id": f"id-{next(self.numbers)}",
            **fields,
        }
        return " ".join(str(values.get(name, "-")) for name, _ in FIELDS) + "\n"

    def put(self, start, emitted, **fields):
        self.waiting.append((emitted, self.line(start, emitted, **fields)))

    def beat(self, at):
        self.put(at, at, route="heartbeat", grpc_code="-", answered_us=50, attempts=0)
        self.beaten = at

    def heartbeat(self, at):
        """All heartbeats that are due up to this time, and what waits."""
        self.beat_until(at)
        self.beat(at)
        self.flush()

    def beat_until(self, at):
        while self.beaten is not None and self.beaten + HEARTBEAT_S < at:
            self.beat(self.beaten + HEARTBEAT_S)

    def flush(self):
        self.beat_until(max((emitted for emitted, _ in self.waiting), default=0))
        self.raw("".join(line for _, line in sorted(self.waiting, key=lambda waiting: waiting[0])))
        self.waiting = []

    def request(self, start, ms=5.0, *, track="canary", model="taxi", code=0, **fields):
        route = "shadow" if track == "shadow" else f"draw/{model}/grpc"
        answer = {"route": route, "cluster": f"{model}~{track}~grpc", "grpc_code": code, "answered_us": round(ms * 1000)}
        self.put(start, start + ms / 1000, **{**answer, **fields})

    def progress(self, start, after, **fields):
        running = {"kind": "DownstreamPeriodic", "route": "draw/taxi/grpc", "cluster": "taxi~canary~grpc"}
        self.put(start, start + after, **{**running, "http_code": 0, "grpc_code": "-", **fields})


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "access"
    folder.mkdir()
    return Log(folder)


@pytest.fixture(scope="session")
def make_log(tmp_path_factory):
    return lambda: Log(tmp_path_factory.mktemp("access"))


@pytest.fixture
def predict(tmp_path):
    """Logs one prediction as a model server does."""
    folder = tmp_path / "predictions"
    folder.mkdir()

    def predict(request_id, prediction, *, at, version=2, model="taxi", file="1-1-0001"):
        line = {"id": request_id, "at": at, "model": model, "version": version, "prediction": prediction}
        with (folder / f"{file}.jsonl").open("a") as log:
            log.write(json.dumps(line, separators=(",", ":")) + "\n")

    predict.folder = folder
    return predict
