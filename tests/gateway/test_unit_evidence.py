"""Users and copies as evidence, through a real Envoy."""

from __future__ import annotations

import time

import pytest

from tfx_rollout.evidence.access_log import AccessLogSource
from tfx_rollout.gateway import GatewayConfig, ModelRoutes
from tfx_rollout.traffic import FULL, Split, Sticky, Track

pytestmark = pytest.mark.integration

WAITING_S = 1.0


def closed(source, start, end):
    """The counts of an interval, once the horizon has passed it."""
    deadline = time.monotonic() + 30
    while source.horizon() < end:
        assert time.monotonic() < deadline, "the horizon stands still"
        time.sleep(0.05)
    return source.counts("taxi", start, end)


def test_users_of_a_sticky_draw_are_counted_once_and_again_after_a_restart_of_the_reader(split, clients, gateway):
    began = time.time()
    live = AccessLogSource(gateway.settings.access_log, waiting_s=WAITING_S, unit="user", model="taxi", since=began - 2)
    split(5000, sticky=Sticky("x-user", "salt"))
    stages = [time.time()]
    answers = {}
    for _ in range(3):
        for user in range(24):
            answers.setdefault(clients.rest(headers={"x-user": f"user-{user}"}).track, set()).add(user)
    clients.rest()
    first = time.time()
    split(9000, sticky=Sticky("x-user", "salt"))
    stages.append(time.time())
    for user in range(24):
        clients.rest(headers={"x-user": f"user-{user}"}, body={"status": 503} if user == 0 else {})
    end = time.time()

    def counted(source):
        source.set_stages(stages[:1])
        one = closed(source, stages[0], first)
        source.set_stages(stages)
        return one, closed(source, stages[1], end)

    one, two = counted(live)
    units = {str(track): counts.units for track, counts in one.tracks.items()}
    assert units == {track: len(users) for track, users in answers.items()}
    assert sum(counts.requests for counts in one.tracks.values()) == 3 * 24 + 1
    # Those who were on the canary before are out; the others were drawn anew.
    assert sum(counts.units for counts in two.tracks.values()) == 24 - len(answers["canary"])
    assert sum(counts.unit_failures for counts in two.tracks.values()) == (0 not in answers["canary"])
    again = AccessLogSource(gateway.settings.access_log, waiting_s=WAITING_S, unit="user", model="taxi", since=began - 2)
    assert counted(again) == (one, two)


def test_copies_count_on_the_shadow_beside_their_originals(gateway, peer, another_peer, clients):
    tracks = {Track.STABLE: peer.upstream("stable"), Track.SHADOW: another_peer.upstream("canary")}
    gateway.apply(GatewayConfig((ModelRoutes("taxi", tracks, Split(0), mirror=FULL),)))
    source = AccessLogSource(gateway.settings.access_log, waiting_s=WAITING_S, model="taxi")
    start = time.time()
    for _ in range(15):
        clients.grpc()
        clients.rest()
    found = closed(source, start, time.time())
    assert {str(track): (counts.requests, counts.failures) for track, counts in found.tracks.items()} == {
        "stable": (30, 0),
        "shadow": (30, 0),
    }
    assert source.answered("taxi", start, time.time()).keys() == {Track.STABLE, Track.SHADOW}
