"""The source over a server with Prometheus' HTTP API; one test has the real one, where it is installed."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.errors import InvalidInput, ServingFault
from tfx_rollout.evidence import LatencyHistogram, TrackCounts
from tfx_rollout.evidence.prometheus import PrometheusSettings, PrometheusSource, TrackSelectors
from tfx_rollout.traffic import Track

T0 = 1_795_000_000.0
SCRAPE_S = 5.0
CANARY = TrackSelectors("requests", "failures", "seconds_bucket")


class Api(ThreadingHTTPServer):
    """Answers `/api/v1/query` for range selectors from samples that a test gives."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.series = {}
        """Name to a list of labels and samples."""
        self.now = T0
        self.queries = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, name, samples, **labels):
        self.series.setdefault(name, []).append(({"__name__": name, **labels}, list(samples)))

    def answer(self, query, at):
        self.queries += 1
        found = re.fullmatch(r"(\w+)\[(\d+)ms\]", query)
        if found is None:
            return {"status": "error", "errorType": "bad_data", "error": "parse error"}
        since = at - int(found[2]) / 1000
        result = []
        for labels, samples in self.series.get(found[1], []):
            values = [[moment, str(value)] for moment, value in samples if since <= moment <= at]
            if values:
                result.append({"metric": labels, "values": values})
        return {"status": "success", "data": {"resultType": "matrix", "result": result}}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        given = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        body = json.dumps(self.server.answer(given["query"], float(given.get("time", self.server.now)))).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def server():
    api = Api()
    thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield api
    api.shutdown()
    thread.join()
    api.server_close()


@pytest.fixture
def api(server):
    """The API with two minutes of scrapes of one target, which counts up by 10 a scrape, each second one a failure."""
    fill(server)
    return server


def fill(server):
    server.series, server.now, server.queries = {}, T0 + 120, 0
    scrapes = range(25)
    server.add("up", [(T0 + 5 * n, 1) for n in scrapes])
    server.add("requests", [(T0 + 5 * n, 1000 + 10 * n) for n in scrapes], code="200")
    server.add("failures", [(T0 + 5 * n, 7 + n // 2) for n in scrapes])
    for edge, share in (("0.01", 0), ("0.1", 8), ("1", 9), ("+Inf", 10)):
        server.add("seconds_bucket", [(T0 + 5 * n, share * n) for n in scrapes], le=edge)


def source(server, **changes):
    usual = {"url": server.url, "tracks": {Track.CANARY: CANARY}, "up": "up", "scrape_s": SCRAPE_S, "waiting_s": 2.0}
    return PrometheusSource(PrometheusSettings(**{**usual, **changes}))


def test_a_window_has_what_was_counted_between_the_scrapes_before_its_ends(api):
    found = source(api).counts("taxi", T0 + 21, T0 + 43)
    assert not found.gap
    counts = found.tracks[Track.CANARY]
    assert (counts.requests, counts.failures, counts.units, counts.unit_failures) == (40, 2, 40, 2)
    assert counts.codes == {"OK": 38, "UNKNOWN": 2}


def test_latencies_count_at_the_upper_ends_of_their_buckets(api):
    counts = source(api).counts("taxi", T0 + 20, T0 + 40).tracks[Track.CANARY]
    assert counts.latency.total == 40
    assert counts.latency == counts.unit_latency
    assert counts.latency.above(0.05e6) == 40
    assert counts.latency.above(0.2e6) == 8
    assert counts.latency.above(1e6) == 4
    in_ms = source(api, latency_unit="milliseconds").counts("taxi", T0 + 20, T0 + 40).tracks[Track.CANARY]
    assert in_ms.latency.above(0.2e3) == 8


def test_the_horizon_is_the_waiting_time_before_the_last_scrape_of_the_slowest_target(api):
    assert source(api).horizon() == T0 + 118
    api.add("up", [(T0 + 5 * n, 1) for n in range(20)], instance="other")
    assert source(api).horizon() == T0 + 95 - 2
    api.series = {}
    assert source(api).horizon() == 0


def test_the_horizon_is_asked_for_no_more_often_than_it_can_move(api):
    asking = source(api)
    for _ in range(10):
        asking.horizon()
    assert api.queries == 1


def test_a_missing_scrape_is_a_gap_in_the_windows_around_it_alone(api):
    ((_, samples),) = api.series["up"]
    del samples[10]
    asking = source(api)
    assert asking.counts("taxi", T0 + 41, T0 + 61).gap
    assert not asking.counts("taxi", T0 + 11, T0 + 31).gap
    assert not asking.counts("taxi", T0 + 61, T0 + 81).gap


def test_a_target_that_was_down_or_came_later_is_a_gap(api):
    ((_, samples),) = api.series["up"]
    samples[10] = (T0 + 50, 0)
    assert source(api).counts("taxi", T0 + 41, T0 + 61).gap
    fill(api)
    api.add("up", [(T0 + 5 * n, 1) for n in range(10, 25)], instance="new")
    assert source(api).counts("taxi", T0 + 41, T0 + 61).gap
    assert not source(api).counts("taxi", T0 + 61, T0 + 81).gap


def test_without_any_target_nothing_is_vouched_for(api):
    assert source(api, up="nobody").counts("taxi", T0 + 20, T0 + 40).gap


def test_a_counter_that_began_anew_is_a_gap(api):
    ((_, samples),) = api.series["requests"]
    api.series["requests"] = [({"code": "200"}, [(at, value - 1000 if at > T0 + 50 else value) for at, value in samples])]
    assert source(api).counts("taxi", T0 + 41, T0 + 61).gap
    assert not source(api).counts("taxi", T0 + 61, T0 + 81).gap


def test_a_counter_that_appears_began_at_zero(api):
    api.add("failures", [(T0 + 50, 3), (T0 + 55, 4)], code="504")
    found = source(api).counts("taxi", T0 + 41, T0 + 51)
    assert (found.tracks[Track.CANARY].failures, found.gap) == (1 + 3, False)


def test_series_of_several_targets_add_up(api):
    api.add("requests", [(T0 + 5 * n, 2 * n) for n in range(25)], instance="other")
    assert source(api).counts("taxi", T0 + 20, T0 + 40).tracks[Track.CANARY].requests == 48


def test_a_track_without_requests_is_not_there(api):
    idle = {Track.CANARY: CANARY, Track.STABLE: TrackSelectors("none", "none")}
    assert set(source(api, tracks=idle).counts("taxi", T0 + 20, T0 + 40).tracks) == {Track.CANARY}


def test_more_failures_than_requests_are_not_vouched_for(api):
    swapped = {Track.CANARY: TrackSelectors("failures", "requests")}
    assert source(api, tracks=swapped).counts("taxi", T0 + 20, T0 + 40).gap


def test_a_server_that_is_gone_and_a_selector_that_is_wrong_are_told_apart(api):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ServingFault, match="see that it runs"):
        source(api, url=url).horizon()
    with pytest.raises(InvalidInput, match=r"refuses the selector sum\(up\).*parse error"):
        source(api, up="sum(up)").horizon()


@given(st.lists(st.integers(1, 109_000), max_size=4))
@settings(max_examples=20, deadline=None)
def test_wherever_time_is_cut_the_totals_are_the_same(server, cuts):
    fill(server)
    asking = source(server)
    edges = [T0 + 5, *sorted(T0 + 5 + cut / 1000 for cut in cuts), T0 + 115]
    total = TrackCounts()
    for start, end in itertools.pairwise(edges):
        found = asking.counts("taxi", start, end)
        assert not found.gap
        total = total + found.tracks.get(Track.CANARY, TrackCounts())
    assert total == asking.counts("taxi", edges[0], edges[-1]).tracks[Track.CANARY]


class Target(BaseHTTPRequestHandler):
    """What Prometheus scrapes: counters that the test turns on."""

    requests = failures = 0

    def do_GET(self):
        buckets = "".join(
            f'seconds_bucket{{le="{edge}"}} {n}\n' for edge, n in (("0.1", Target.requests), ("+Inf", Target.requests))
        )
        types = "# TYPE seconds histogram\n"
        text = f"requests {Target.requests}\nfailures {Target.failures}\n{types}{buckets}"
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


@pytest.mark.integration
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus is installed")
def test_the_real_prometheus_counts_what_its_target_counted(tmp_path):
    target = ThreadingHTTPServer(("127.0.0.1", 0), Target)
    thread = threading.Thread(target=target.serve_forever)
    thread.start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "prometheus.yml"
    config.write_text(
        f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n"
        f"scrape_configs: [{{job_name: gateway, static_configs: [{{targets: ['127.0.0.1:{target.server_port}']}}]}}]\n"
    )
    arguments = [f"--config.file={config}", f"--storage.tsdb.path={tmp_path}", f"--web.listen-address=127.0.0.1:{port}"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(["prometheus", *arguments], stdout=log, stderr=log)
    try:
        tracks = {Track.CANARY: CANARY}
        asking = PrometheusSource(
            PrometheusSettings(f"http://127.0.0.1:{port}", tracks, 'up{job="gateway"}', scrape_s=1.0, waiting_s=0.5)
        )
        deadline = time.monotonic() + 60
        first = 0.0
        while not first or asking.horizon() < first + 3:
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            first = first or _horizon(asking)
            time.sleep(0.2)
        started = time.time()
        while time.time() < started + 6:
            Target.requests += 10
            Target.failures += 1
            time.sleep(0.1)
        end = time.time() + 3
        while asking.horizon() < end:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        found = asking.counts("taxi", started - 1, end)
        assert not found.gap
        counts = found.tracks[Track.CANARY]
        assert (counts.requests, counts.failures) == (Target.requests, Target.failures)
        assert counts.latency == LatencyHistogram.of([0.1e6] * Target.requests)
        parts = [
            asking.counts("taxi", *ends).tracks[Track.CANARY] for ends in ((started - 1, started + 2.5), (started + 2.5, end))
        ]
        assert parts[0] + parts[1] == counts
        with pytest.raises(InvalidInput, match="refuses"):
            PrometheusSource(PrometheusSettings(f"http://127.0.0.1:{port}", tracks, "sum(up)")).horizon()
    finally:
        process.terminate()
        process.wait(30)
        target.shutdown()
        thread.join()
        target.server_close()


def _horizon(asking):
    try:
        return asking.horizon()
    except ServingFault:
        return 0.0
