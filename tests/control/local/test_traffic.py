"""The metrics of the traffic, counted from the gateway's access log for one question, or kept by somebody."""

from __future__ import annotations

import json
import math
import time

import pytest

from tfx_rollout.control.local import LocalControl
from tfx_rollout.errors import InvalidInput, NotFound
from tfx_rollout.gateway.log_format import FIELDS
from tfx_rollout.metrics import TrafficMetrics
from tfx_rollout.model_store import ModelStore


@pytest.fixture
def log(base):
    """`log(end, ms, version, code)`: the gateway writes of one more request on stable."""
    folder = base.store.gateway_dir / "access"
    folder.mkdir(parents=True)

    def log(end: float, ms: float, version: int, code: int = 0) -> None:
        values = {
            "start": f"{end - ms / 1000:.6f}",
            "emitted": f"{end:.6f}",
            "kind": "DownstreamEnd",
            "connection": 1,
            "http_code": 200,
            "received_us": 0,
            "answered_us": round(ms * 1000),
            "attempts": 1,
            "request_id": f"id-{end}",
            "route": "draw/taxi/grpc",
            "cluster": "taxi~stable~grpc",
            "grpc_code": code,
            "version": version,
        }
        with (folder / f"{round(begun * 1000)}.log").open("a") as file:
            file.write(" ".join(str(values.get(name, "-")) for name, _ in FIELDS) + "\n")

    begun = time.time() - 1000
    return log


def test_it_is_counted_from_the_log_on_disk(control, log):
    now = time.time()
    for number in range(50):
        log(now - 300 + number, 5.0, version=1, code=14 if number < 5 else 0)
    log(now - 100, 80.0, version=2)
    traffic = control.traffic("taxi")
    assert [(s.track, s.version, s.totals.requests, s.totals.failures) for s in traffic.series] == [
        ("stable", 1, 50, 5),
        ("stable", 2, 1, 0),
    ]
    assert (traffic.totals.requests, traffic.totals.error_rate) == (51, pytest.approx(5 / 51))
    assert [(s.track, s.version, s.totals.requests) for s in traffic.tracks] == [("stable", None, 51)]
    assert sum(point.requests for point in traffic.series[0].points) == 50
    assert traffic.until - traffic.since == pytest.approx(900, abs=2 * traffic.step)
    assert traffic.totals.p50_ms == pytest.approx(5.0, rel=0.06)
    json.loads(traffic.model_dump_json(), parse_constant=lambda name: 1 / 0)


def test_a_span_is_what_was_asked_for(control, log):
    now = time.time()
    for ago in (700, 400, 100):
        log(now - ago, 5.0, version=1)
    traffic = control.traffic("taxi", since=now - 500, until=now - 300, step=50)
    assert (traffic.step, traffic.totals.requests) == (50.0, 1)
    assert traffic.since <= now - 500 < now - 300 <= traffic.until


def test_what_is_kept_by_somebody_is_asked_instead_of_the_disk(base, log):
    log(time.time() - 60, 5.0, version=1)
    metrics = TrafficMetrics(base.store)
    while metrics.advance():
        continue
    log(time.time() - 50, 5.0, version=1)
    control = LocalControl(ModelStore(base.store.root), by="ann", traffic=metrics)
    assert control.traffic("taxi").totals.requests == 1
    assert control.acting_as("ben", control.role).traffic("taxi").totals.requests == 1


def test_no_traffic_has_no_figures_and_what_is_no_span_is_refused(control):
    traffic = control.traffic("taxi")
    assert (traffic.series, traffic.totals.requests, traffic.totals.accuracy) == ([], 0, None)
    with pytest.raises(NotFound):
        control.traffic("other")
    now = time.time()
    for wrong in ({"since": now, "until": now - 1}, {"step": -1.0}, {"since": math.nan}, {"until": math.inf}):
        with pytest.raises(InvalidInput):
            control.traffic("taxi", **wrong)
