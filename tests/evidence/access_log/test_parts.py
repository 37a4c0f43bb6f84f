"""A log is read over its parts: torn lines, parts that are put aside or deleted, earlier starts and older gateways."""

from __future__ import annotations

import os

import pytest

from tfx_rollout.evidence import access_log_follower
from tfx_rollout.evidence.access_log import AccessLogSource
from tfx_rollout.traffic import Track

from ..conftest import T0
from .conftest import WAITING_S


def test_a_torn_last_line_is_read_when_it_is_whole(log, source):
    log.heartbeat(T0)
    log.heartbeat(T0 + 20)
    whole = log.line(T0 + 19, T0 + 20, route="draw/taxi/grpc", cluster="taxi~canary~grpc", answered_us=100)
    log.raw(whole[:40])
    source.horizon()
    log.raw(whole[40:])
    log.heartbeat(T0 + 30)
    assert source.counts("taxi", T0 + 10, T0 + 20).tracks[Track.CANARY].requests == 1


def test_the_log_of_an_older_gateway_without_the_version_is_read_on_through_the_change(log, source):
    drawn = {"route": "draw/taxi/grpc", "cluster": "taxi~canary~grpc", "answered_us": 100}
    log.heartbeat(T0 + 1)
    log.flush()
    log.raw(log.line(T0 + 1, T0 + 1.1, **drawn).rpartition(" ")[0] + "\n")
    log.put_aside(1)
    log.put(T0 + 2, T0 + 2.1, version=7, **drawn)
    log.heartbeat(T0 + 20)
    found = source.counts("taxi", T0 + 1, T0 + 4)
    assert (found.gap, found.tracks[Track.CANARY].requests) == (False, 2)


def test_a_source_that_comes_late_reads_earlier_starts_of_the_gateway_too(log):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.heartbeat(T0 + 10)
    log.start(T0 + 100)
    log.heartbeat(T0 + 100)
    log.request(T0 + 101)
    log.put_aside(1)
    log.request(T0 + 102)
    log.heartbeat(T0 + 120)
    source = AccessLogSource(log.folder, waiting_s=WAITING_S, since=0)
    found = source.counts("taxi", T0 + 100, T0 + 110)
    assert (found.tracks[Track.CANARY].requests, found.gap) == (2, False)
    earlier = source.counts("taxi", T0, T0 + 5)
    assert (earlier.tracks[Track.CANARY].requests, earlier.gap) == (1, False)
    assert source.counts("taxi", T0 + 5, T0 + 101).gap


def test_a_source_looks_back_no_further_than_it_was_told(log):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.put_aside(1)
    os.utime(log.path.with_name(f"{log.path.stem}.0001.log"), (T0 + 1, T0 + 1))
    log.heartbeat(T0 + 3)
    log.request(T0 + 4)
    log.request(T0 + 6)
    log.request(T0 + 7)
    log.heartbeat(T0 + 30)
    source = AccessLogSource(log.folder, waiting_s=WAITING_S, since=T0 + 5)
    found = source.counts("taxi", T0 + 5, T0 + 10)
    assert (found.tracks[Track.CANARY].requests, found.gap) == (2, False)
    assert source.counts("taxi", T0 + 3.5, T0 + 10).gap


def test_parts_are_read_to_their_ends_and_without_a_gap(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1)
    assert source.horizon() > 0
    log.put_aside(1)
    log.request(T0 + 2)  # a new part, which lives on while the next is begun
    log.put_aside(2)
    log.request(T0 + 3)
    log.heartbeat(T0 + 20)
    found = source.counts("taxi", T0, T0 + 10)
    assert (found.tracks[Track.CANARY].requests, found.gap) == (3, False)


def test_a_part_that_was_deleted_unread_is_a_gap(log, source):
    log.heartbeat(T0)
    assert source.horizon() > 0
    log.put_aside(1)
    log.request(T0 + 5)
    log.put_aside(2)
    log.heartbeat(T0 + 30)
    for number in (1, 2):
        log.path.with_name(f"{log.path.stem}.{number:04d}.log").unlink()
    log.heartbeat(T0 + 40)
    source.horizon()
    assert source.counts("taxi", T0 + 1, T0 + 10).gap
    assert not source.counts("taxi", T0 + 31, T0 + 35).gap


def test_a_part_that_is_put_aside_while_it_is_opened_is_read_the_next_time(log):
    follower = access_log_follower.AccessLogFollower(log.folder, since=0.0)
    log.request(T0)
    log.flush()
    assert len(list(follower.read())) == 2
    following = log.folder / f"{round(T0 * 1000) + 1}.log"
    following.symlink_to("not-there-yet")
    with pytest.raises(FileNotFoundError):
        list(follower.read())
    following.unlink()
    log.start(T0 + 0.001)
    log.request(T0 + 1)
    log.flush()
    assert len([item for item in follower.read() if isinstance(item, str)]) == 1
