from __future__ import annotations

import itertools
import random
import time

import pytest

from tfx_rollout.metrics import TrafficMetrics, following
from tfx_rollout.metrics.cell import Key
from tfx_rollout.metrics.traffic import MOST_LINES
from tfx_rollout.model_store import append_line
from tfx_rollout.traffic import DesiredState, Label, Track

T0 = 1_795_000_000.0
STABLE = Key("taxi", Track.STABLE, 1, "grpc")


def totals(traffic, since=T0 - 3600, until=T0 + 3600, step=60):
    """Figures of each track and version."""
    return {(s.track, s.version): s.totals for s in traffic.query("taxi", since, until, step).series}


def requests(traffic, **span):
    return {key: figures.requests for key, figures in totals(traffic, **span).items()}


def test_requests_are_told_by_track_and_version(log, reader, read_all):
    for second in range(30):
        log.request(T0 + second, 5.0)
        log.request(T0 + second, 50.0, track="canary", version=2, code=13 if second % 3 == 0 else 0)
    log.request(T0 + 30, route="pinned/taxi/grpc", cluster="taxi~pinned~grpc", version=7)
    found = totals(read_all(reader()))
    assert {key: figures.requests for key, figures in found.items()} == {
        (Track.STABLE, 1): 30,
        (Track.CANARY, 2): 30,
        (Track.PINNED, 7): 1,
    }
    assert found[Track.CANARY, 2].codes == {"OK": 20, "INTERNAL": 10}
    assert found[Track.CANARY, 2].quantiles.p50_ms == pytest.approx(50, rel=0.05)


def test_what_is_written_later_is_read_later(log, reader, read_all):
    traffic = reader()
    assert requests(read_all(traffic)) == {}
    for number in range(1, 4):
        log.request(T0 + number)
        assert requests(read_all(traffic)) == {(Track.STABLE, 1): number}


def test_a_reader_that_starts_anew_tells_the_same(log, reader, read_all, clock):
    rng = random.Random(3)
    traffic = reader()
    for second in range(200):
        for _ in range(rng.randrange(4)):
            track = rng.choice(["stable", "canary"])
            log.request(T0 + second, rng.lognormvariate(2, 1), track=track, code=rng.choice([0, 0, 0, 13]))
        if second % 60 == 0:
            read_all(traffic)
        if second == 120:
            log.begin(T0 + second)
    clock[0] = T0 + 200
    anew = read_all(reader())
    assert read_all(traffic).query("taxi", T0, T0 + 200, 10).series == anew.query("taxi", T0, T0 + 200, 10).series


def test_a_new_reader_looks_back_no_further_than_it_is_told(log, reader, read_all):
    for at in (T0 - 200, T0 - 99, T0 - 1):
        log.request(at)
    traffic = read_all(reader(look_back_s=100))
    assert requests(traffic) == {(Track.STABLE, 1): 2}
    assert traffic.query("taxi", T0 - 300, T0).complete_from == T0 - 99


def test_a_step_reads_no_more_than_its_bound(log, reader):
    log.write("".join(log.request_line(T0 + number / 1000) for number in range(3 * MOST_LINES + 1)))
    traffic = reader()
    read = [0]
    while traffic.advance():
        read.append(requests(traffic)[Track.STABLE, 1])
    assert len(read) == 4
    assert all(0 < later - earlier <= MOST_LINES for earlier, later in itertools.pairwise(read))
    assert requests(traffic) == {(Track.STABLE, 1): 3 * MOST_LINES + 1}


def test_a_torn_line_counts_once_it_is_whole_and_nonsense_never(log, reader, read_all):
    whole = log.request_line(T0 + 1)
    traffic = reader()
    log.write("nonsense\n" + whole[:40])
    assert requests(read_all(traffic)) == {}
    log.write(whole[40:])
    assert requests(read_all(traffic)) == {(Track.STABLE, 1): 1}


def test_heartbeats_tell_how_far_the_log_was_read(log, reader, read_all):
    traffic = reader()
    assert traffic.counted_until == 0
    log.heartbeat(T0 + 7)
    read_all(traffic)
    assert traffic.counted_until == T0 + 7
    assert requests(traffic) == {}


def test_a_failure_without_an_answer_is_the_versions_that_the_label_named_then(store, log, reader, read_all):
    history = store.model("taxi").control / "history.jsonl"

    def in_force(at, generation, labels):
        state = DesiredState("taxi", generation, tuple(labels.values()), labels)
        append_line(history, {"event": "desired", "at": at, **state.to_json()})
        append_line(history, {"event": "applied", "at": at, "generation": generation})

    refused = {"code": 14, "version": "-"}
    traffic = reader()
    log.request(T0, **refused)
    in_force(T0 + 5, 1, {Label.STABLE: 1})
    log.request(T0 + 10, **refused)
    in_force(T0 + 15, 2, {Label.STABLE: 1, Label.CANARY: 2})
    log.request(T0 + 20, track="canary", **refused)
    log.request(T0 + 21, route="forced/taxi/canary/grpc", cluster="taxi~canary~grpc", **refused)
    log.request(T0 + 22, route="pinned/taxi/grpc", cluster="taxi~pinned~grpc", **refused)
    assert requests(read_all(traffic)) == {
        (Track.STABLE, None): 1,
        (Track.STABLE, 1): 1,
        (Track.CANARY, 2): 1,
        (Track.PINNED, 2): 1,
        (Track.PINNED, None): 1,
    }
    # A version that comes after the first look is known as well.
    in_force(T0 + 25, 3, {Label.STABLE: 2})
    log.request(T0 + 30, **refused)
    assert requests(read_all(traffic))[Track.STABLE, 2] == 1


def test_counters_begin_with_the_process_and_never_go_back(log, reader, read_all, clock):
    log.request(T0 - 10)
    traffic = read_all(reader())
    assert traffic.counters()[0] == {}
    last = 0
    for second in range(1, 5):
        clock[0] = T0 + second
        log.request(T0 + second)
        counted = sum(read_all(traffic).counters()[0][STABLE].codes.values())
        assert counted > last
        last = counted
    assert requests(traffic) == {(Track.STABLE, 1): 5}


def test_a_root_without_a_gateway_has_no_traffic(store):
    traffic = TrafficMetrics(store)
    assert traffic.advance() is False
    assert traffic.query("taxi", T0, T0 + 60).series == ()


def test_a_thread_keeps_up_with_what_is_written(store, log):
    traffic = TrafficMetrics(store)
    with following(traffic):
        now = time.time()
        log.request(now)
        deadline = time.monotonic() + 30
        while not requests(traffic, since=now - 60, until=now + 60, step=10):
            assert time.monotonic() < deadline, "the thread does not read"
            time.sleep(0.05)


def test_a_storage_that_refuses_is_told_once_and_the_thread_goes_on(store, log, caplog):
    traffic = TrafficMetrics(store)
    log.folder.rename(log.folder.with_name("moved"))
    store.root.rename(store.root.with_name("away"))
    store.root.write_text("a file in the way")
    with following(traffic):
        deadline = time.monotonic() + 30
        while "the metrics of the traffic stand still" not in caplog.text:
            assert time.monotonic() < deadline, "nothing is said"
            time.sleep(0.05)
        store.root.unlink()
        store.root.with_name("away").rename(store.root)
        log.folder.with_name("moved").rename(log.folder)
        now = time.time()
        log.request(now)
        while not requests(traffic, since=now - 60, until=now + 60, step=10):
            assert time.monotonic() < deadline, "the thread does not go on"
            time.sleep(0.05)
    assert caplog.text.count("stand still") == 1
