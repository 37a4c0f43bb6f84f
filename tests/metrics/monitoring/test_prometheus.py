"""A real Prometheus scrapes the metrics of a root with a rollout, traffic, failures and labels: nothing asks in vain."""

from __future__ import annotations

import contextlib
import math
import re
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
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
from tfx_rollout.serving import free_port
from tfx_rollout.supervisor.presence import running_supervisor
from tfx_rollout.testing import ServedRoot
from tfx_rollout.traffic import Label, Track

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed"),
]

SCRAPE_S = 1
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
def prometheus(store, traffic, tmp_path_factory):
    """A client of a Prometheus that scrapes the root by the files that ship."""
    folder = tmp_path_factory.mktemp("prometheus")
    exposition = Exposition(
        store,
        traffic,
        rollouts=ProgressReader(store),
        experiments=ExperimentProgressReader(store),
        supervisor_up=lambda: running_supervisor(store.root) is not None,
    )
    config = yaml.safe_load((FOLDER / "scrape.yaml").read_text())
    (scrape,) = config["scrape_configs"]
    del scrape["authorization"]
    shutil.copy(FOLDER / "rules.yaml", folder)
    config["global"] = {"evaluation_interval": f"{SCRAPE_S}s"}
    with serving(exposition) as address, (folder / "log").open("w") as log:
        scrape |= {"scrape_interval": f"{SCRAPE_S}s", "static_configs": [{"targets": [address]}]}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        port = free_port()
        arguments = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
        process = subprocess.Popen(["prometheus", *arguments], cwd=folder, stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
                eventually(lambda: ready(client), "Prometheus is not ready", process)
                yield client
        finally:
            process.terminate()
            process.wait(20)


def ready(client):
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def eventually(condition, sentence, process=None, seconds=25):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, "Prometheus has ended"
        assert time.monotonic() < deadline, sentence
        time.sleep(0.2)


def values(client, expression):
    """The numbers that a query gives now."""
    answer = client.get("/api/v1/query", params={"query": expression}).json()
    assert answer["status"] == "success", answer
    found = [float(sample["value"][1]) for sample in answer["data"]["result"]]
    return [value for value in found if not math.isnan(value)]


def concrete(expression):
    """A query of the board with its variables filled in, as Grafana does it."""
    expression = expression.replace("$model", ".+")
    return re.sub(r"\$__(rate_)?interval", f"{10 * SCRAPE_S}s", expression)


def all_answered(client, expressions):
    left = set(expressions)

    def none_left():
        left.difference_update([expression for expression in left if values(client, expression)])
        return not left

    try:
        eventually(none_left, "")
    except AssertionError:
        return left
    return left


def test_every_query_of_the_board_returns_data(prometheus):
    assert all_answered(prometheus, {concrete(target["expr"]) for target in TARGETS}) == set()


def test_every_recording_rule_returns_data(prometheus):
    assert all_answered(prometheus, RECORDED) == set()


def test_every_rule_can_be_evaluated_and_the_annotation_be_asked_for(prometheus):
    rules = [rule for group in prometheus.get("/api/v1/rules").json()["data"]["groups"] for rule in group["rules"]]
    assert {rule["name"]: rule["health"] for rule in rules if rule["health"] != "ok"} == {}
    for annotation in board()["annotations"]["list"]:
        values(prometheus, concrete(annotation["expr"]))


def test_what_prometheus_has_is_what_the_root_says(prometheus, traffic):
    assert values(prometheus, 'tfx_rollout_traffic_share_ratio{track="canary",version="2"}') == [0.5]
    assert values(prometheus, 'tfx_rollout_rollout_phase{phase="holding",version="2"}') == [1]
    assert values(prometheus, "tfx_rollout_supervisor_up") == [1]
    # A fifth of the requests fails, on either track alike.
    ratio = 'model_track:tfx_rollout_request_errors:ratio_rate5m{track="stable"}'
    eventually(lambda: values(prometheus, ratio) == [pytest.approx(0.2, abs=0.05)], "the error ratio is another one")
    p99 = 'model_track:tfx_rollout_request_duration_seconds:p99_rate5m{track="canary"}'
    (seconds,) = values(prometheus, p99)
    assert 0.01 < seconds <= 0.025


def test_another_root_can_judge_by_these_metrics(prometheus):
    """What docs/evidence.md and docs/monitoring.md say: the counters are evidence as they are."""

    def selectors(track):
        names = f'model="taxi",track="{track}"'
        return TrackSelectors(
            requests=f"tfx_rollout_requests_total{{{names}}}",
            failures=f'tfx_rollout_requests_total{{{names},code!="OK"}}',
            latency=f"tfx_rollout_request_duration_seconds_bucket{{{names}}}",
        )

    tracks = {track: selectors(track) for track in (Track.STABLE, Track.CANARY)}
    settings = PrometheusSettings(str(prometheus.base_url), tracks, 'up{job="tfx-rollout"}', scrape_s=SCRAPE_S, waiting_s=1.0)
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
