"""The source over logs that are written here as Envoy writes them; real ones are read in tests/gateway."""

from __future__ import annotations

import itertools
import os

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.evidence.access_log import LOOP_S, AccessLogSource
from tfx_rollout.traffic import Track

WAITING_S = 2.0
LAG_S = WAITING_S + LOOP_S
T0 = 1_795_000_000.0


class Log:
    """A folder of access logs that grows by one line at a time."""

    def __init__(self, folder):
        self.folder = folder
        self.streams = itertools.count()
        self.start(T0)

    def start(self, at):
        self.path = self.folder / f"{round(at * 1000)}.log"
        self.path.touch()

    def put_aside(self, number):
        self.path.rename(self.path.with_name(f"{self.path.stem}.{number:04d}.log"))

    def raw(self, text):
        with self.path.open("a") as log:
            log.write(text)

    def heartbeat(self, at):
        self.raw(f"{at:.6f} {at:.6f} DownstreamEnd s{next(self.streams)} heartbeat - 200 - 50 - - 0 id -\n")

    def request(self, start, ms=5.0, *, track="canary", model="taxi", code=0, stream=None):
        stream = stream or f"s{next(self.streams)}"
        us = round(ms * 1000)
        self.raw(
            f"{start:.6f} {start + ms / 1000:.6f} DownstreamEnd {stream} draw/{model}/grpc {model}~{track}~grpc "
            f"200 {code} 0 {us} - 1 id -\n"
        )

    def progress(self, start, after, stream):
        times = f"{start:.6f} {start + after:.6f}"
        self.raw(f"{times} DownstreamPeriodic {stream} draw/taxi/grpc taxi~canary~grpc 0 - 10 - - 1 id -\n")


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


@pytest.fixture
def source(log):
    return AccessLogSource(log.folder, waiting_s=WAITING_S, since=0)


def test_nothing_may_be_closed_before_the_log_speaks(source, tmp_path):
    assert source.horizon() == 0
    assert AccessLogSource(tmp_path / "missing").horizon() == 0
    with pytest.raises(ValueError, match="past the horizon"):
        source.counts("taxi", T0, T0 + 1)


def test_the_horizon_follows_the_newest_line_and_not_the_clock(log, source):
    log.heartbeat(T0 + 1)
    assert source.horizon() == pytest.approx(T0 + 1 - LAG_S)
    log.request(T0 + 5, ms=1000)
    assert source.horizon() == pytest.approx(T0 + 6 - LAG_S)


def test_the_horizon_never_goes_back(log, source):
    log.heartbeat(T0 + 10)
    before = source.horizon()
    log.start(T0 + 10.5)
    log.heartbeat(T0 + 10.6)
    assert source.horizon() >= before


def test_requests_count_by_their_start(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1.999, ms=500)
    log.request(T0 + 2.0, ms=1)
    log.request(T0 + 2.5, code=13)
    log.request(T0 + 2.6, track="stable")
    log.request(T0 + 2.7, model="other")
    log.heartbeat(T0 + 20)
    found = source.counts("taxi", T0 + 2, T0 + 4)
    assert not found.gap
    canary = found.tracks[Track.CANARY]
    assert (canary.requests, canary.failures, dict(canary.codes)) == (2, 1, {"OK": 1, "INTERNAL": 1})
    assert found.tracks[Track.STABLE].requests == 1


def test_a_torn_last_line_is_read_when_it_is_whole(log, source):
    log.heartbeat(T0)
    log.heartbeat(T0 + 20)
    whole = f"{T0 + 1:.6f} {T0 + 1.1:.6f} DownstreamEnd x draw/taxi/grpc taxi~canary~grpc 200 0 0 100 - 1 id -\n"
    log.raw(whole[:40])
    assert source.counts("taxi", T0, T0 + 10).tracks == {}
    log.raw(whole[40:])
    assert source.counts("taxi", T0, T0 + 10).tracks[Track.CANARY].requests == 1


def test_what_hangs_counts_as_unanswered_and_goes_on_doing_so(log, source):
    log.heartbeat(T0)
    for after in (0.5, 1.0, 1.5, 2.0):
        log.progress(T0 + 1, after, "slow")
    log.heartbeat(T0 + 4)
    hanging = source.counts("taxi", T0, T0 + 1.5).tracks[Track.CANARY]
    assert (hanging.requests, hanging.failures, hanging.unanswered, hanging.latency.total) == (1, 1, 1, 0)
    log.request(T0 + 1, ms=4000, stream="slow")
    log.heartbeat(T0 + 6)
    assert source.counts("taxi", T0, T0 + 1.5).tracks[Track.CANARY] == hanging


def test_what_is_answered_in_time_leaves_no_trace_of_its_progress(log, source):
    log.heartbeat(T0)
    log.progress(T0 + 1, 0.5, "s")
    log.request(T0 + 1, ms=700, stream="s")
    log.heartbeat(T0 + 6)
    counts = source.counts("taxi", T0, T0 + 2).tracks[Track.CANARY]
    assert (counts.requests, counts.failures) == (1, 0)


def test_a_restart_of_the_gateway_voids_the_interval_around_it_and_no_other(log, source):
    log.heartbeat(T0)
    log.request(T0 + 1)
    log.heartbeat(T0 + 10)
    source.horizon()
    log.progress(T0 + 9.4, 0.5, "cut")
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


def test_what_came_before_the_log_is_a_gap(log, source):
    log.heartbeat(T0)
    log.heartbeat(T0 + 10)
    assert source.counts("taxi", T0 - 5, T0 + 5).gap


def test_a_source_that_comes_late_reads_the_newest_start_from_its_beginning(log):
    log.heartbeat(T0)
    log.start(T0 + 100)
    log.heartbeat(T0 + 100)
    log.request(T0 + 101)
    log.put_aside(1)
    log.request(T0 + 102)
    log.heartbeat(T0 + 120)
    found = AccessLogSource(log.folder, waiting_s=WAITING_S, since=0).counts("taxi", T0 + 100, T0 + 110)
    assert (found.tracks[Track.CANARY].requests, found.gap) == (2, False)


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


@pytest.mark.parametrize("waiting_s", [0, 0.5, 1e6])
def test_a_waiting_time_that_progress_cannot_show_is_refused(tmp_path, waiting_s):
    with pytest.raises(InvalidInput, match="waiting time"):
        AccessLogSource(tmp_path, waiting_s=waiting_s)
