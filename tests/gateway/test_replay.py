"""The replay through a real gateway: what it reports is what the gateway's own evidence says."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tfx_rollout.errors import InvalidInput, NotFound
from tfx_rollout.evidence.access_log import AccessLogSource
from tfx_rollout.replay import FeedbackFile, LateLabels, ReplaySettings, replay
from tfx_rollout.traffic import Track

pytestmark = pytest.mark.integration

ROWS = [{"company": f"company {n}", "fare": n / 2, "tips": 0} for n in range(40)]


def test_the_report_agrees_with_the_gateways_evidence(gateway, split, tmp_path):
    split(3000)
    source = AccessLogSource(gateway.settings.access_log, waiting_s=1.0)
    record = tmp_path / "answers.jsonl"
    start = time.time()
    report = replay(ReplaySettings(gateway.address, "taxi", rate=100, seconds=2, seed=3), ROWS, record=record)
    end = time.time()
    assert (report.requests, report.failures, report.skipped) == (200, 0, 0)
    assert set(report.tracks) == {"stable", "canary"}
    # The peer's version 1 is stable, 2 is the canary; it tells over gRPC only.
    assert list(report.tracks["canary"].versions) == [2]
    answers = [json.loads(line) for line in record.read_text().splitlines()]
    assert len(answers) == 200
    assert all(start <= answer["at"] <= end for answer in answers)
    assert {answer["protocol"] for answer in answers} == {"grpc", "rest"}
    assert len({answer["request_id"] for answer in answers}) == 200
    assert all((answer["version"] is None) == (answer["protocol"] == "rest") for answer in answers)
    deadline = time.monotonic() + 30
    while source.horizon() < end:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    counted = source.counts("taxi", start, end).tracks
    assert {track.value: counts.requests for track, counts in counted.items()} == {
        name: track.requests for name, track in report.tracks.items()
    }
    assert counted[Track.STABLE].failures == 0


def test_labels_come_after_the_answers_under_their_ids(gateway, split, peer, tmp_path):
    split(5000)
    record, feedback = tmp_path / "answers.jsonl", tmp_path / "feedback.jsonl"
    rows = [{**row, "big_tip": row["fare"] > 10} for row in ROWS]
    labels = LateLabels("big_tip", 0.5, FeedbackFile(feedback), every_s=0.1)
    began = time.monotonic()
    report = replay(ReplaySettings(gateway.address, "taxi", rate=50, seconds=1), rows, record=record, labels=labels)
    assert (report.labels, report.labels_left) == (50, 0)
    assert time.monotonic() - began >= 1.4
    answers = {answer["request_id"]: answer for answer in map(json.loads, record.read_text().splitlines())}
    told = {row["request_id"]: row for row in map(json.loads, feedback.read_text().splitlines())}
    assert told.keys() == answers.keys()
    assert all(told[name]["label"] is rows[answers[name]["row"]]["big_tip"] for name in told)
    assert answers.keys() <= {identity for identity, _ in peer.seen()}


def test_a_replay_that_is_stopped_does_not_wait_for_labels(gateway, split, tmp_path):
    split(0)
    stop = threading.Event()
    labels = LateLabels("tips", 3600.0, FeedbackFile(tmp_path / "feedback.jsonl"))
    timer = threading.Timer(0.5, stop.set)
    timer.start()
    report = replay(ReplaySettings(gateway.address, "taxi", rate=50, seconds=60), ROWS, labels=labels, stop=stop)
    timer.join()
    assert (report.labels, report.labels_left) == (0, report.requests)


def test_a_signal_ends_it_with_a_report(gateway, split, tmp_path):
    split(0)
    record = tmp_path / "answers.jsonl"
    program = (
        "import json, pathlib; from tfx_rollout.replay import ReplaySettings, replay\n"
        f"settings = ReplaySettings({gateway.address!r}, 'taxi', 50, 60, grpc_share=0)\n"
        f"report = replay(settings, {ROWS!r}, record=pathlib.Path({str(record)!r}))\n"
        "print(json.dumps(report.to_json()))"
    )
    sender = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (record.exists() and record.stat().st_size):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    sender.send_signal(signal.SIGTERM)
    out, _ = sender.communicate(timeout=30)
    report = json.loads(out)
    assert sender.returncode == 0
    assert report["requests"] > 0
    assert report["failures"] == 0
    assert report["requests"] == len(record.read_text().splitlines())


def test_an_unknown_model_and_rows_that_do_not_fit_are_told_before_anything_is_sent(gateway, split):
    split(0)
    with pytest.raises(NotFound, match="nope"):
        replay(ReplaySettings(gateway.address, "nope", 10, 1), ROWS)
    with pytest.raises(InvalidInput, match="fare"):
        replay(ReplaySettings(gateway.address, "taxi", 10, 1), [{"company": "x"}])


@contextlib.contextmanager
def once_answered(record, act):
    """Acts as soon as the record of a replay has an answer."""

    def wait():
        deadline = time.monotonic() + 30
        while not (record.exists() and record.stat().st_size):
            assert time.monotonic() < deadline, "nothing was answered"
            time.sleep(0.005)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    yield
    thread.join()


def test_what_fails_is_reported_by_its_code(make_gateway, config, tmp_path):
    gateway = make_gateway()
    gateway.start()
    gateway.apply(config(0))
    settings, record = ReplaySettings(gateway.address, "taxi", rate=40, seconds=1.5), tmp_path / "answers.jsonl"
    with once_answered(record, lambda: gateway.stop(0)):
        report = replay(settings, ROWS, record=record)
    assert report.requests == settings.count
    assert set(report.tracks["unknown"].codes) <= {"UNAVAILABLE", "UNKNOWN"}
    assert report.tracks["stable"].failures == 0


def test_what_does_not_come_in_time_is_given_up_on_both_protocols(make_gateway, config, tmp_path):
    gateway = make_gateway()
    gateway.start()
    gateway.apply(config(0))
    settings, record = ReplaySettings(gateway.address, "taxi", rate=40, seconds=1, timeout_s=0.5), tmp_path / "answers.jsonl"
    with once_answered(record, lambda: os.kill(gateway.pid, signal.SIGSTOP)):
        report = replay(settings, ROWS, record=record)
    os.kill(gateway.pid, signal.SIGCONT)
    assert report.requests == settings.count
    assert set(report.tracks["unknown"].codes) == {"DEADLINE_EXCEEDED"}
    assert report.tracks["unknown"].latency_ms[0.5] >= 500
