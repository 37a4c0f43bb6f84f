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
            running.await_answers(since=switches[-1][1])
    assert not running.failed
    for (_, confirmed, track), (asked_next, _, _) in itertools.pairwise(switches):
        within = {answer.track for began, ended, answer in running.answers if confirmed < began and ended < asked_next}
        assert within == {track}


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


ARMS = {Track.STABLE: 1, Track.VARIANT_B: 3, Track.VARIANT_C: 4}
"""The tracks of an A/B test of three, and the version of the peer behind each."""


def test_users_of_an_ab_test_keep_their_variant_and_each_has_its_share(gateway, peer, clients):
    users = [f"user-{n}" for n in range(600)]

    def assigned(b, c):
        shares = {Track.VARIANT_B: b, Track.VARIANT_C: c}
        tracks = {track: peer.upstream(track.value) for track in ARMS}
        sticky = Sticky("x-user", "test-1")
        gateway.apply(GatewayConfig((ModelRoutes("taxi", tracks, Split.among(shares), sticky=sticky),)))
        calls = {user: clients.stub.Predict.future(clients.request(), metadata=[("x-user", user)]) for user in users}
        found = {user: call.result().model_spec.version.value for user, call in calls.items()}
        for track, share in {**shares, Track.STABLE: 1 - b - c}.items():
            have = sum(version == ARMS[track] for version in found.values())
            assert abs(have - len(users) * share) < 6 * math.sqrt(len(users) * share * (1 - share))
        return found

    def moves(before, after):
        return {(before[user], after[user]) for user in users if before[user] != after[user]}

    first = assigned(0.1, 0.2)
    assert assigned(0.1, 0.2) == first
    assert {user: 3 for user in users[:30] if first[user] == 3} == {
        user: 3 for user in users[:30] if clients.rest(headers={"x-user": user}).track == "variant-b"
    }
    grown = assigned(0.3, 0.2)
    assert moves(first, grown) == {(1, 3)}
    # Beyond a third of the range: what it takes more is stable's still.
    assert moves(grown, assigned(0.5, 0.2)) == {(1, 3)}
    assert moves(grown, assigned(0.3, 0.1)) == {(4, 1)}


def test_a_variant_can_be_forced_and_draws_without_a_user_have_the_shares(gateway, peer, clients):
    tracks = {track: peer.upstream(track.value) for track in ARMS}
    split = Split.among({Track.VARIANT_B: 0.3, Track.VARIANT_C: 0.3})
    gateway.apply(GatewayConfig((ModelRoutes("taxi", tracks, split, sticky=Sticky("x-user", "test-1")),)))
    for track, version in ARMS.items():
        asked = {"x-model-track": track.value}
        assert clients.grpc(headers=list(asked.items())).version == version
        answer = clients.rest(headers=asked)
        assert (answer.track, answer.body["path"]) == (track.value, f"/v1/models/taxi/labels/{track}:predict")
    refused = clients.rest(headers={"x-model-track": "variant-d"})
    assert (refused.code, refused.body["error"].rpartition("it has: ")[2]) == (404, "stable, variant-b, variant-c.")
    n = 1000
    calls = [clients.stub.Predict.future(clients.request()) for _ in range(n)]
    versions = [call.result().model_spec.version.value for call in calls]
    for track, version in ARMS.items():
        share = split.share(track)
        assert abs(versions.count(version) - n * share) < 6 * math.sqrt(n * share * (1 - share))


def test_models_and_servers_come_and_go_under_load_without_a_failed_request(gateway, peer, another_peer, load):
    stable = {Track.STABLE: peer.upstream("stable")}
    both = {**stable, Track.CANARY: another_peer.upstream("canary")}
    other = ModelRoutes("other", stable)
    gateway.apply(GatewayConfig((ModelRoutes("taxi", stable),)))
    with load() as running:
        for _ in range(5):
            gateway.apply(GatewayConfig((ModelRoutes("taxi", both), other)))
            gateway.apply(GatewayConfig((ModelRoutes("taxi", both, Split(5000)), other)))
            running.await_answers(since=time.monotonic())
            gateway.apply(GatewayConfig((ModelRoutes("taxi", both, Split(0)),)))
            gateway.apply(GatewayConfig((ModelRoutes("taxi", stable),)))
        gateway.apply(GatewayConfig((ModelRoutes("taxi", both, Split(5000)),)))
        running.await_answers(since=time.monotonic())
        gateway.apply(GatewayConfig((ModelRoutes("taxi", both, Split(0)),)))
        time.sleep(0.5)  # the drain that the supervisor keeps before it stops a server
        another_peer.stop()
        running.await_answers(since=time.monotonic())
        gateway.apply(GatewayConfig((ModelRoutes("taxi", stable),)))
        running.await_answers(since=time.monotonic())
    assert not running.failed
    assert {answer.track for _, _, answer in running.answers} == {"stable", "canary"}


def test_a_call_under_way_survives_that_its_track_is_removed(gateway, peer, another_peer, clients, hold):
    stable = {Track.STABLE: peer.upstream("stable")}
    both = {**stable, Track.CANARY: another_peer.upstream("canary")}
    gateway.apply(GatewayConfig((ModelRoutes("taxi", both, Split(FULL)),)))
    call = clients.stub.Predict.future(clients.request(hold=hold), metadata=[("x-request-id", "under-way")])
    another_peer.await_seen({"under-way"})
    gateway.apply(GatewayConfig((ModelRoutes("taxi", stable),)))
    assert clients.grpc().track == "stable"
    hold.release()
    assert call.result().model_spec.version.value == 2


def test_idle_connections_are_closed_by_the_gateway_before_the_server_does(gateway, another_peer, clients):
    """A server closes idle connections after 5 s (uvicorn, and the peer); a request sent then would be lost."""
    gateway.apply(GatewayConfig((ModelRoutes("taxi", {Track.STABLE: another_peer.upstream("stable")}),)))
    answer = clients.rest()
    deadline = time.monotonic() + 30
    while statistic(gateway, "cluster.taxi~stable~rest.upstream_cx_active"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # The peer would have said that it closed one.
    assert [identity for identity, _ in another_peer.seen()] == [answer.request_id]


def statistic(gateway, name):
    found = AdminClient(gateway.settings.admin_port).statistics(f"^{re.escape(name)}$")
    return int(found.get(name, 0))
