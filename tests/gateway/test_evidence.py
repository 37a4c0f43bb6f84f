"""Evidence of real requests through a real Envoy: nothing lost, nothing counted twice, nothing hidden."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tfx_rollout.evidence.access_log import AccessLogSource
from tfx_rollout.gateway import GatewayConfig, ModelRoutes, access_log_folder
from tfx_rollout.gateway.access_log_folder import log_parts
from tfx_rollout.traffic import FULL, Split, Track

pytestmark = pytest.mark.integration

WAITING_S = 1.0


@pytest.fixture
def source(gateway):
    return speaking(AccessLogSource(gateway.settings.access_log, waiting_s=WAITING_S))


def speaking(source):
    """The source, once the log has a line: what started before that is not vouched for."""
    deadline = time.monotonic() + 30
    while not source.horizon():
        assert time.monotonic() < deadline, "the log does not speak"
        time.sleep(0.05)
    return source


def closed(source, start, end, model="taxi"):
    """The counts of an interval, once the horizon has passed it."""
    deadline = time.monotonic() + 30
    while source.horizon() < end:
        assert time.monotonic() < deadline, "the horizon stands still"
        time.sleep(0.05)
    return source.counts(model, start, end)


def await_line(part):
    """Waits until a part of the log has a line."""
    deadline = time.monotonic() + 30
    while not part.stat().st_size:
        assert time.monotonic() < deadline, "the log does not speak"
        time.sleep(0.01)


def await_halt(pid):
    """Waits until a process that was sent SIGSTOP stands still."""
    deadline = time.monotonic() + 30
    while any(thread.read_text().rpartition(")")[2].split()[0] != "T" for thread in Path(f"/proc/{pid}/task").glob("*/stat")):
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.001)


def test_every_drawn_call_is_counted_once_on_the_track_that_answered(split, clients, source):
    split(5000)
    start = time.time()
    answers = [clients.grpc() for _ in range(60)] + [clients.rest() for _ in range(60)]
    found = closed(source, start, time.time())
    for track in (Track.STABLE, Track.CANARY):
        mine = [answer for answer in answers if answer.track == track.value]
        counts = found.tracks[track]
        assert (counts.requests, counts.failures, dict(counts.codes)) == (len(mine), 0, {"OK": len(mine)})
        assert counts.latency.total == len(mine)
    assert not found.gap


def test_calls_belong_to_the_interval_in_which_they_start(split, clients, source, peer, hold):
    split(0)
    first = time.time()
    names = [f"early-{number}" for number in range(8)]
    early = [clients.stub.Predict.future(clients.request(hold=hold), metadata=[("x-request-id", name)]) for name in names]
    peer.await_seen(set(names))
    boundary = time.time()
    late = [clients.grpc() for _ in range(2)]
    held_s = time.time() - boundary
    hold.release()
    for call in early:
        call.result()
    end = time.time()
    assert closed(source, boundary, end).tracks[Track.STABLE].requests == len(late)
    before = source.counts("taxi", first, boundary).tracks[Track.STABLE]
    assert before.requests == len(early)
    assert before.latency.quantile(0.5) >= 1e6 * held_s


def test_failures_have_the_name_of_their_status(split, clients, source):
    split(0)
    start = time.time()
    clients.grpc()
    clients.grpc(fail=3)
    clients.grpc(fail=13)
    clients.rest(body={"status": 400})
    clients.rest(body={"status": 503})
    counts = closed(source, start, time.time()).tracks[Track.STABLE]
    assert dict(counts.codes) == {"OK": 1, "INVALID_ARGUMENT": 2, "INTERNAL": 1, "UNAVAILABLE": 1}
    assert (counts.requests, counts.failures, counts.unanswered) == (5, 4, 0)


def test_forced_and_pinned_calls_and_questions_are_no_evidence(split, clients, source):
    split(0)
    start = time.time()
    clients.grpc(headers=[("x-model-track", "canary")])
    clients.grpc(version=7)
    clients.rest("/v1/models/taxi/versions/7:predict")
    clients.rest("/v1/models/taxi/metadata", method="GET")
    clients.rest("/v1/models/taxi", method="GET")
    clients.rest("/v1/models/unknown:predict")
    found = closed(source, start, time.time())
    assert (dict(found.tracks), found.gap) == ({}, False)


def test_a_call_that_hangs_is_unanswered_whether_its_client_waits_or_leaves(split, clients, source, gateway, peer, hold):
    split(FULL)
    start = time.time()
    waits, leaves = (
        clients.stub.Predict.future(clients.request(hold=hold), metadata=[("x-request-id", name)]) for name in ("waits", "leaves")
    )
    body = json.dumps({"hold": str(hold)})
    head = f"POST /v1/models/taxi:predict HTTP/1.1\r\nhost: x\r\nx-request-id: leaves-too\r\ncontent-length: {len(body)}"
    with socket.create_connection((gateway.settings.host, gateway.settings.port)) as leaves_too:
        leaves_too.sendall(f"{head}\r\n\r\n{body}".encode())
        peer.await_seen({"waits", "leaves", "leaves-too"})
    leaves.cancel()
    end = time.time()
    counts = closed(source, start, end).tracks[Track.CANARY]
    assert not waits.done()
    assert (counts.requests, counts.failures, counts.unanswered) == (3, 3, 3)
    assert dict(counts.codes) == {"DEADLINE_EXCEEDED": 1, "CANCELLED": 2}
    # The answer that comes too late changes nothing.
    hold.release()
    assert waits.result().model_spec.version.value == 2
    assert closed(source, end, time.time()).tracks == {}
    assert source.counts("taxi", start, end).tracks[Track.CANARY] == counts


def test_a_server_that_is_gone_fails_every_call(gateway, peer, another_peer, clients, source):
    tracks = {Track.STABLE: peer.upstream("stable"), Track.CANARY: another_peer.upstream("canary")}
    gateway.apply(GatewayConfig((ModelRoutes("taxi", tracks, Split(FULL)),)))
    clients.grpc()
    another_peer.stop()
    start = time.time()
    assert {clients.grpc().code for _ in range(3)} == {"UNAVAILABLE"}
    assert {clients.rest().code for _ in range(3)} == {503}
    counts = closed(source, start, time.time()).tracks[Track.CANARY]
    # A retry is no further request.
    assert (counts.requests, dict(counts.codes)) == (6, {"UNAVAILABLE": 6})


def test_a_client_that_sends_slowly_is_no_evidence(split, gateway, source):
    split(0)
    start = time.time()
    head = b'POST /v1/models/taxi:predict HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{"a": '
    with socket.create_connection((gateway.settings.host, gateway.settings.port)) as slow:
        slow.sendall(head)
        time.sleep(0.8)
        slow.sendall(b"123}")
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
    with socket.create_connection((gateway.settings.host, gateway.settings.port)) as gone:
        gone.sendall(head)
    assert closed(source, start, time.time()).tracks == {}


def test_a_restart_makes_a_gap_and_evidence_goes_on_after_it(make_gateway, config, connect):
    gateway = make_gateway()
    gateway.start()
    gateway.apply(config(0))
    source = speaking(AccessLogSource(gateway.settings.access_log, waiting_s=WAITING_S))
    start = time.time()
    connect(gateway).grpc()
    assert not closed(source, start, time.time()).gap
    gateway.stop(1)
    gateway.start()
    await_line(log_parts(gateway.settings.access_log)[-1].path)
    again = time.time()
    connect(gateway).grpc()
    end = time.time()
    later = closed(source, again, end)
    assert (later.tracks[Track.STABLE].requests, later.gap) == (1, False)
    assert source.counts("taxi", start, end).gap


def test_rotation_under_load_loses_no_line(make_gateway, config, connect, monkeypatch):
    monkeypatch.setattr(access_log_folder, "KEEP_PARTS", 3)
    gateway = make_gateway()
    gateway.start()
    gateway.apply(config(5000))
    source = speaking(AccessLogSource(gateway.settings.access_log, waiting_s=WAITING_S))
    clients = connect(gateway)
    start = time.time()
    rotations = 0
    for number in range(300):
        clients.grpc()
        if number % 20 == 0:
            rotations += gateway.rotate_access_log(over_bytes=1000)
            source.horizon()
    found = closed(source, start, time.time())
    assert rotations >= 3
    assert sum(counts.requests for counts in found.tracks.values()) == 300
    assert not found.gap
    assert len(list(gateway.settings.access_log.glob("*.log"))) <= 5


def test_a_gateway_that_stands_still_holds_the_horizon_back(make_gateway, config):
    gateway = make_gateway()
    gateway.start()
    gateway.apply(config(0))
    source = speaking(AccessLogSource(gateway.settings.access_log, waiting_s=WAITING_S))
    os.kill(gateway.pid, signal.SIGSTOP)
    await_halt(gateway.pid)
    stopped = time.time()
    # Long enough for a horizon by the clock to pass on, and too short for a gap.
    time.sleep(0.5)
    assert source.horizon() < stopped - WAITING_S
    os.kill(gateway.pid, signal.SIGCONT)
    assert not closed(source, stopped, stopped + 0.1).gap
