"""What evidence cannot be vouched for: holes in the log, restarts of the gateway, clocks that are set, what was forgotten."""

from __future__ import annotations

import pytest

from tfx_rollout.evidence.access_log import AccessLogSource
from tfx_rollout.traffic import Track

from ..conftest import T0
from .conftest import LAG_S, WAITING_S


def test_what_came_before_the_log_is_a_gap(log, source):
    log.heartbeat(T0)
    log.heartbeat(T0 + 10)
    assert source.counts("taxi", T0 - 5, T0 + 5).gap


def test_a_restart_of_the_gateway_voids_the_interval_around_it_and_no_other(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.progress(T0 + 9.4, 0.5)
    log.heartbeat(T0 + 10)
    source.horizon()
    log.start(T0 + 12)
    log.heartbeat(T0 + 12.2)
    log.request(T0 + 13)
    log.heartbeat(T0 + 30)
    assert not source.counts("taxi", T0, T0 + 7).gap
    assert source.counts("taxi", T0 + 7, T0 + 12).gap
    assert source.counts("taxi", T0 + 10.5, T0 + 14).gap
    assert not source.counts("taxi", T0 + 12.5, T0 + 20).gap
    assert source.counts("taxi", T0, T0 + 7).tracks[Track.CANARY].requests == 1
    assert source.counts("taxi", T0 + 12.5, T0 + 20).tracks[Track.CANARY].requests == 1


def test_a_hole_of_seconds_in_the_log_is_a_gap(log, source):
    log.heartbeat(T0)
    log.heartbeat(T0 + 10)
    log.beaten = T0 + 14  # no line for four seconds
    log.request(T0 + 15)
    log.heartbeat(T0 + 30)
    assert not source.counts("taxi", T0, T0 + 7).gap
    assert source.counts("taxi", T0 + 7, T0 + 10).gap
    assert source.counts("taxi", T0 + 13, T0 + 16).gap
    after = source.counts("taxi", T0 + 14.5, T0 + 20)
    assert (after.tracks[Track.CANARY].requests, after.gap) == (1, False)


def test_a_clock_that_was_set_back_voids_what_it_repeats_and_evidence_goes_on(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.request(T0 + 8)
    log.request(T0 + 9.9, ms=300, connection=7)
    log.heartbeat(T0 + 10)
    assert source.horizon() == pytest.approx(T0 + 10.2 - LAG_S)
    log.beat(T0 + 4)
    log.flush()
    assert source.horizon() == pytest.approx(T0 + 4 - LAG_S)
    # It was promised before, so that it is no error to ask.
    assert source.counts("taxi", T0 + 2, T0 + 7.5).gap
    log.request(T0 + 8.5)
    # It started before the clock was set back, and ended after.
    log.put(T0 + 9.9, T0 + 4.5, route="draw/taxi/grpc", cluster="taxi~canary~grpc", answered_us=900_000)
    log.heartbeat(T0 + 20)
    assert not source.counts("taxi", T0, T0 + 1.5).gap
    assert source.counts("taxi", T0 + 3, T0 + 5).gap
    again = source.counts("taxi", T0 + 4.5, T0 + 12)
    assert (again.tracks[Track.CANARY].requests, again.gap) == (1, False)


def test_forgotten_intervals_are_gaps_and_take_no_memory(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.request(T0 + 6)
    log.heartbeat(T0 + 20)
    source.horizon()
    source.forget(T0 + 5)
    assert source.counts("taxi", T0, T0 + 10).gap
    later = source.counts("taxi", T0 + 5, T0 + 10)
    assert (later.tracks[Track.CANARY].requests, later.gap) == (1, False)


def test_what_nobody_forgets_is_forgotten_in_time(log):
    source = AccessLogSource(log.folder, waiting_s=WAITING_S, since=0, keep_s=10)
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.heartbeat(T0 + 30)
    assert source.counts("taxi", T0, T0 + 3).gap
    assert not source.counts("taxi", T0 + 20, T0 + 25).gap
