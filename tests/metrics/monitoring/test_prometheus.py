"""A real Prometheus scrapes the metrics of a root with a rollout, traffic, failures and labels: nothing asks in vain."""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from tfx_rollout.evidence.feedback import append_feedback
from tfx_rollout.evidence.prometheus import PrometheusSettings, PrometheusSource, TrackSelectors
from tfx_rollout.experiment import (
    ArmEvidence,
    ArmState,
    ExperimentPhase,
    ExperimentVerdict,
    experiment_from_dict,
    start_experiment,
)
from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.experiment.progress import ExperimentProgressReader
from tfx_rollout.gateway.log_format import FIELDS
from tfx_rollout.metrics import TrafficMetrics, following
from tfx_rollout.metrics.exposition import CONTENT_TYPE, Exposition
from tfx_rollout.metrics.monitoring import FOLDER
from tfx_rollout.metrics.monitoring.board import board
from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import await_rollout, plan_from_dict, start_rollout
from tfx_rollout.rollout.progress import ProgressReader
from tfx_rollout.supervisor.presence import running_supervisor
from tfx_rollout.testing import ServedRoot
from tfx_rollout.traffic import Label, Track

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed"),
]

PLAN = {
    "name": "quick",
    "stages": [{"share": 0.5, "min_seconds": 10, "max_seconds": 300, "max_failure_rate": 0.05}],
    "window_seconds": 5,
    "waiting_seconds": 2,
    "min_windows": 3,
    "min_requests": 100,
    "promotion_deadline_seconds": 100_000,
}
EXPERIMENT = {
    "name": "conversion",
    "header": "x-user-id",
    "variants": [{"version": 2, "share": 0.5}],
    "metric": {"name": "conversion", "kind": "event", "better": "higher", "within_seconds": 3600},
    "max_days": 14,
}
TARGETS = [target for panel in board()["panels"] for target in panel.get("targets", ())]
RECORDED = [
    rule["record"]
    for group in yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"]
    for rule in group["rules"]
    if "record" in rule
]


def published(store, model, folder):
    """A model with version 1 live and version 2 there."""
    base = store.model(model)
    for mark in ("one", "two"):
        source = folder / model / mark
        source.mkdir(parents=True)
        (source / "saved_model.pb").write_text(mark)
        base.publish(source)
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


def begin_experiment(base):
    """The record of an A/B test that has been running for a while."""
    journal = ExperimentJournal(base, start_experiment(base, experiment_from_dict(EXPERIMENT), by="test", why="a test"))
    control = ArmEvidence(Track.STABLE, 1, ArmState.CONTROL, users=120, outcomes=100, positives=20, value=0.2)
    evidence = {"evidence_better": 2.5, "evidence_worse": 0.3, "harm": 0.9}
    variant = ArmEvidence(Track.VARIANT_B, 2, ArmState.OPEN, users=110, outcomes=90, positives=25, value=0.28, **evidence)
    arms = {arm.track: arm for arm in (control, variant)}
    verdict = ExperimentVerdict(("Nothing is decided yet.",), threshold=40.0, harm_threshold=20.0, arms=arms)
    journal.write_state(journal.state().change(phase=ExperimentPhase.RUNNING, verdict=verdict))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A root in which the rollout of a model's version 2 holds its share, and another model has an A/B test."""
    folder = tmp_path_factory.mktemp("monitored")
    store = ModelStore(folder / "root")
    base = published(store, "taxi", folder)
    begin_experiment(published(store, "tips", folder))
    (store.gateway_dir / "access").mkdir(parents=True)
    rollout = start_rollout(base, 2, plan_from_dict(PLAN), by="test", why="a test")
    with ServedRoot(base, pause=0.01):
        state = await_rollout(base, rollout, timeout=60)
        assert state.phase == "holding"
        yield store


@pytest.fixture(scope="module")
def traffic(store):
    """Requests that end now, written as the gateway writes them, and labels for them."""
    log = (store.gateway_dir / "access" / f"{round(time.time() * 1000)}.log").open("a", buffering=1)
    stopped = threading.Event()

    def line(number, track, version, code):
        now = time.time()
        values = {
            "start": f"{now - 0.02:.6f}",
            "emitted": f"{now:.6f}",
            "kind": "DownstreamEnd",
            "connection": number,
            "route": "draw/taxi/grpc",
            "cluster": f"taxi~{track}~grpc",
            "http_code": 200,
            "grpc_code": code,
            "received_us": 10,
            "answered_us": 20_000,
            "request_id": f"r{number}",
            "version": version,
        }
        return " ".join(str(values.get(name, "-")) for name, _ in FIELDS) + "\n"

    def write():
        number = 0
        while not stopped.wait(0.1):
            batch = range(number, number + 10)
            for number in batch:
                track, version = ("canary", 2) if number % 2 else ("stable", 1)
                log.write(line(number, track, version, 13 if number % 5 == 0 else 0))
            number += 1
            append_feedback(store.model("taxi"), [{"request_id": f"r{one}", "correct": one % 3 > 0} for one in batch])

    writer = threading.Thread(target=write)
    writer.start()
    metrics = TrafficMetrics(store)
    with following(metrics):
        yield metrics
    stopped.set()
    writer.join()
    log.close()


@contextlib.contextmanager
def serving(exposition):
    """Serves what is rendered; the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.end_headers()
            self.wfile.write(exposition.render())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def prometheus(store, traffic, tmp_path_factory, prometheus_of):
    """A Prometheus that scrapes the root."""
    exposition = Exposition(
        store,
        traffic,
        rollouts=ProgressReader(store),
        experiments=ExperimentProgressReader(store),
        supervisor_up=lambda: running_supervisor(store.root) is not None,
    )
    with serving(exposition) as address, prometheus_of(tmp_path_factory.mktemp("prometheus"), address) as prometheus:
        yield prometheus


def concrete(expression):
    """A query of the board with its variables filled in, as Grafana does it."""
    expression = expression.replace("$model", ".+")
    return re.sub(r"\$__(rate_)?interval", "10s", expression)


@pytest.fixture
def unanswered(prometheus, eventually):
    """Those of some queries that give nothing, however long one waits."""

    def unanswered(expressions):
        left = set(expressions)

        def none_left():
            left.difference_update([expression for expression in left if prometheus.values(expression)])
            return not left

        with contextlib.suppress(AssertionError):
            eventually(none_left, "")
        return left

    return unanswered


def test_every_query_of_the_board_returns_data(unanswered):
    assert unanswered(concrete(target["expr"]) for target in TARGETS) == set()


def test_every_recording_rule_returns_data(unanswered):
    assert unanswered(RECORDED) == set()


def test_every_rule_can_be_evaluated_and_the_annotation_be_asked_for(prometheus):
    groups = prometheus.client.get("/api/v1/rules").json()["data"]["groups"]
    assert {rule["name"]: rule["health"] for group in groups for rule in group["rules"] if rule["health"] != "ok"} == {}
    for annotation in board()["annotations"]["list"]:
        prometheus.values(concrete(annotation["expr"]))


def test_what_prometheus_has_is_what_the_root_says(prometheus, eventually):
    assert prometheus.values('tfx_rollout_traffic_share_ratio{track="canary",version="2"}') == [0.5]
    assert prometheus.values('tfx_rollout_rollout_phase{phase="holding",version="2"}') == [1]
    assert prometheus.values("tfx_rollout_supervisor_up") == [1]
    # A fifth of the requests fails, on either track alike.
    ratio = 'model_track:tfx_rollout_request_errors:ratio_rate5m{track="stable"}'
    eventually(lambda: prometheus.values(ratio) == [pytest.approx(0.2, abs=0.05)], "the error ratio is another one")
    (seconds,) = prometheus.values('model_track:tfx_rollout_request_duration_seconds:p99_rate5m{track="canary"}')
    assert 0.01 < seconds <= 0.025


def test_another_root_can_judge_by_these_metrics(prometheus, eventually):
    """What docs/evidence.md and docs/monitoring.md say: the counters are evidence as they are."""

    def selectors(track):
        names = f'model="taxi",track="{track}"'
        return TrackSelectors(
            requests=f"tfx_rollout_requests_total{{{names}}}",
            failures=f'tfx_rollout_requests_total{{{names},code!="OK"}}',
            latency=f"tfx_rollout_request_duration_seconds_bucket{{{names}}}",
        )

    tracks = {track: selectors(track) for track in (Track.STABLE, Track.CANARY)}
    settings = PrometheusSettings(prometheus.url, tracks, 'up{job="tfx-rollout"}', scrape_s=1.0, waiting_s=1.0)
    source = PrometheusSource(settings)
    eventually(lambda: source.horizon() > 0, "there is no scrape")
    start = source.horizon()
    eventually(lambda: source.horizon() >= start + 4, "no scrapes follow")
    counts = source.counts("taxi", start, start + 4)
    assert not counts.gap
    for track in tracks:
        found = counts.tracks[track]
        assert found.requests > 50
        assert found.failures == pytest.approx(found.requests / 5, abs=12)
        assert found.latency.total == found.requests
