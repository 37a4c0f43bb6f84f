"""Changes of what is routed, under load: confirmed, without one failed request."""

from __future__ import annotations

import itertools
import math
import re
import time

import pytest

from tfx_rollout.gateway import GatewayConfig, ModelRoutes
from tfx_rollout.gateway.admin import AdminClient
from tfx_rollout.traffic import FULL, Split, Sticky, Track

pytestmark = pytest.mark.integration

SWITCHES = 40


def test_no_request_fails_over_many_switches_and_each_is_in_force_once_confirmed(gateway, split, load):
    split(0)
    switches = []
    with load() as running:
        for number in range(SWITCHES):
            share = FULL if number % 2 == 0 else 0
            asked = time.monotonic()
            revision = split(share)
            switches.append((asked, time.monotonic(), "canary" if share else "stable"))
            assert gateway.in_force() == revision
            time.sleep(0.02)
    assert not running.failed
    settled = 0
    for (_, confirmed, track), (asked_next, _, _) in itertools.pairwise(switches):
        within = {answer.track for began, ended, answer in running.answers if confirmed < began and ended < asked_next}
        settled += len(within)
        assert within <= {track}
    assert settled > SWITCHES / 4


def test_the_split_is_met_within_binomial_error(split, clients):
    n, share = 1500, 0.25
    split(round(share * FULL))
    calls = [clients.stub.Predict.future(clients.request()) for _ in range(n)]
    canary = sum(call.result().model_spec.version.value == 2 for call in calls)
    # Six standard deviations: one false alarm in 500 million runs.
    assert abs(canary - n * share) < 6 * math.sqrt(n * share * (1 - share))


def test_a_user_who_has_the_canary_keeps_it_while_its_share_grows(split, clients):
    users = [f"user-{n}" for n in range(150)]

    def who_has_the_canary(share):
        split(round(share * FULL), sticky=Sticky("x-user", "trial-1"))
        return {user for user in users if clients.grpc(headers=[("x-user", user)]).track == "canary"}

    few, more = who_has_the_canary(0.2), who_has_the_canary(0.5)
    assert few <= more
    assert len(few) < len(more)


def test_models_and_servers_come_and_go_under_load_without_a_failed_request(gateway, peer, another_peer, load):
    stable = {Track.STABLE: peer.upstream("stable")}
    both = {**stable, Track.CANARY: another_peer.upstream("canary")}
    other = ModelRoutes("other", stable)
    gateway.apply(GatewayConfig((ModelRoutes("taxi", stable),)))
    with load() as running:
        for _ in range(5):
            gateway.apply(GatewayConfig((ModelRoutes("taxi", both), other)))
            gateway.apply(GatewayConfig((ModelRoutes("taxi", both, Split(5000)), other)))
            time.sleep(0.05)
            gateway.apply(GatewayConfig((ModelRoutes("taxi", both, Split(0)),)))
            gateway.apply(GatewayConfig((ModelRoutes("taxi", stable),)))
        gateway.apply(GatewayConfig((ModelRoutes("taxi", both, Split(5000)),)))
        time.sleep(0.1)
        gateway.apply(GatewayConfig((ModelRoutes("taxi", both, Split(0)),)))
        time.sleep(0.5)  # the drain that the supervisor keeps before it stops a server
        another_peer.stop()
        time.sleep(0.3)
        gateway.apply(GatewayConfig((ModelRoutes("taxi", stable),)))
        time.sleep(0.1)
    assert not running.failed
    assert {answer.track for _, _, answer in running.answers} == {"stable", "canary"}


def test_a_call_under_way_survives_that_its_track_is_removed(gateway, peer, another_peer, clients):
    stable = {Track.STABLE: peer.upstream("stable")}
    both = {**stable, Track.CANARY: another_peer.upstream("canary")}
    gateway.apply(GatewayConfig((ModelRoutes("taxi", both, Split(FULL)),)))
    call = clients.stub.Predict.future(clients.request(delay=0.8))
    time.sleep(0.2)
    gateway.apply(GatewayConfig((ModelRoutes("taxi", stable),)))
    assert clients.grpc().track == "stable"
    assert call.result().model_spec.version.value == 2


def test_idle_connections_are_closed_by_the_gateway_before_the_server_does(split, clients, gateway):
    """A server closes idle connections after 5 s (uvicorn, and the peer); a request sent then would be lost."""
    split(0)
    assert clients.rest().code == 200
    deadline = time.monotonic() + 4.5
    while statistic(gateway, "cluster.taxi~stable~rest.upstream_cx_active"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def statistic(gateway, name):
    found = AdminClient(gateway.settings.admin_port).statistics(f"^{re.escape(name)}$")
    return int(found.get(name, 0))
