"""Mirrored copies through a real Envoy: evidence under their original's id, and nobody's burden."""

from __future__ import annotations

import math
import os
import signal
import time

import pytest

from tfx_rollout.evidence.access_log_line import LogLine
from tfx_rollout.gateway import GatewayConfig, ModelRoutes
from tfx_rollout.gateway.access_log_folder import log_parts
from tfx_rollout.gateway.naming import is_shadow
from tfx_rollout.gateway.render.clusters import SHADOW_REQUESTS
from tfx_rollout.traffic import FULL, Track

pytestmark = pytest.mark.integration


@pytest.fixture
def mirror(gateway, peer):
    """Mirrors a share of the shared gateway's calls to this peer; the original always goes to the shared one."""

    def apply(shadow, share=FULL):
        tracks = {Track.STABLE: peer.upstream("stable"), Track.SHADOW: shadow.upstream("canary")}
        gateway.apply(GatewayConfig((ModelRoutes("taxi", tracks, mirror=share),)))

    return apply


def copies(gateway, ids, expected=None):
    """The last line of each logged copy of these requests, by id; waits until there are as many as expected (all of them)."""
    deadline = time.monotonic() + 30
    while True:
        found = {}
        for part in log_parts(gateway.settings.access_log):
            for text in part.path.read_text().splitlines():
                line = LogLine.parse(text)
                if line is not None and line.ended and is_shadow(line.route) and line.request_id in ids:
                    assert line.request_id not in found, "a copy was logged twice"
                    found[line.request_id] = line
        if len(found) >= (len(ids) if expected is None else expected):
            return found
        assert time.monotonic() < deadline, f"{len(found)} copies of {len(ids)} requests are in the log"
        time.sleep(0.05)


def test_each_copy_is_in_the_log_with_its_originals_id_the_shadows_label_and_its_own_answer(
    gateway, mirror, another_peer, clients
):
    mirror(another_peer)
    by_grpc, by_rest = [clients.grpc() for _ in range(20)], [clients.rest() for _ in range(20)]
    assert {answer.label for answer in by_grpc} == {"stable"}
    assert {answer.body["path"] for answer in by_rest} == {"/v1/models/taxi/labels/stable:predict"}
    found = copies(gateway, {answer.request_id for answer in by_grpc + by_rest})
    for answer in by_grpc:
        line = found[answer.request_id]
        assert (line.cluster, line.http_code, line.grpc_code) == ("taxi~shadow~grpc", 200, 0)
        assert 0 < line.answered_us < 5e6
    for answer in by_rest:
        line = found[answer.request_id]
        assert (line.cluster, line.http_code, line.grpc_code) == ("taxi~shadow~rest", 200, None)
    seen = another_peer.seen()
    assert sorted(identity for identity, _ in seen) == sorted(found)
    assert {what for _, what in seen} == {"canary", "/v1/models/taxi/labels/canary:predict"}


def test_a_share_is_copied(gateway, mirror, another_peer, clients):
    mirror(another_peer, 3000)
    n, share = 300, 0.3
    answers = [clients.rest() for _ in range(n)]
    # Six standard deviations: one false alarm in 500 million runs.
    off = 6 * math.sqrt(n * share * (1 - share))
    deadline = time.monotonic() + 30
    while len(another_peer.seen()) < n * share - off:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ids = {identity for identity, _ in another_peer.seen()}
    assert ids < {answer.request_id for answer in answers}
    copies(gateway, ids)
    assert len(another_peer.seen()) < n * share + off


def test_what_fails_on_the_shadow_is_told_and_nobody_is_harmed(gateway, mirror, another_peer, clients):
    mirror(another_peer)
    another_peer.stop()
    answers = [clients.grpc() for _ in range(10)] + [clients.rest() for _ in range(10)]
    assert {answer.code for answer in answers} == {"OK", 200}
    found = copies(gateway, {answer.request_id for answer in answers})
    assert {(line.http_code, line.grpc_code) for line in found.values()} == {(200, 14), (503, None)}


@pytest.mark.parametrize("padding", [0, 12_000_000])
def test_a_shadow_that_hangs_slows_nobody_and_its_copies_are_bounded(gateway, mirror, another_peer, clients, padding):
    mirror(another_peer)
    copies(gateway, {clients.grpc().request_id})
    os.kill(another_peer.pid, signal.SIGSTOP)
    # Whoever waited for the shadow would have no answer in its time.
    answers = [clients.grpc(padding=padding, timeout=10) for _ in range(12 if padding else 90)]
    os.kill(another_peer.pid, signal.SIGCONT)
    assert {answer.code for answer in answers} == {"OK"}
    bound = min(SHADOW_REQUESTS, len(answers))
    assert len(copies(gateway, {answer.request_id for answer in answers}, bound)) == bound


def test_a_copy_that_hangs_has_a_line_of_progress(gateway, mirror, another_peer, clients):
    mirror(another_peer)
    os.kill(another_peer.pid, signal.SIGSTOP)
    answer = clients.grpc()
    deadline = time.monotonic() + 30
    running = None
    while running is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        lines = [LogLine.parse(text) for text in log_parts(gateway.settings.access_log)[-1].path.read_text().splitlines()]
        running = next((line for line in lines if line and line.request_id == answer.request_id and is_shadow(line.route)), None)
    assert (running.ended, running.answered_us, running.cluster) == (False, None, "taxi~shadow~grpc")
    os.kill(another_peer.pid, signal.SIGCONT)
    assert copies(gateway, {answer.request_id})[answer.request_id].stream == running.stream


def test_a_client_cannot_send_to_a_shadow_itself(mirror, another_peer, peer, clients):
    mirror(another_peer, 1)
    answer = clients.rest(headers={"x-gateway-shadow": "taxi~shadow~rest"})
    assert (answer.track, answer.body["path"]) == ("stable", "/v1/models/taxi/labels/stable:predict")
