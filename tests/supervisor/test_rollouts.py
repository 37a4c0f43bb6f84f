"""Whole rollouts by the command, with real servers, a real Envoy, and the replayer's requests as evidence."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tfx_rollout.rollout import Phase, running_rollout
from tfx_rollout.traffic import Track, allowed_versions

pytestmark = pytest.mark.integration

PLAN = """
window_seconds: 1
waiting_seconds: 2
min_windows: 3
min_requests: 50
max_failure_rate: 0.05
errors: {weight: 1}
latency: {weight: 0}
promotion: automatic
stages:
  - {share: 0.25, min_seconds: 2, max_seconds: 60, on_inconclusive: rollback}
  - {share: 0.50, min_seconds: 2, max_seconds: 60, on_inconclusive: rollback}
"""


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "short.yaml"
    path.write_text(PLAN)
    return path


def command(serving, *arguments) -> subprocess.CompletedProcess[str]:
    full = [sys.executable, "-m", "tfx_rollout.cli", *map(str, arguments), "--root", str(serving.root), "--model", "m"]
    return subprocess.run(full, capture_output=True, text=True, timeout=120)


@contextmanager
def replayed(serving, tmp_path, answers: list[dict]):
    """Replays rows through the gateway, a fifth of them with an x of 2000; fills `answers` at the end."""
    rows, record = tmp_path / "rows.jsonl", tmp_path / "answers.jsonl"
    rows.write_text("".join(json.dumps({"x": 2000.0 if number % 5 == 0 else 2.0}) + "\n" for number in range(100)))
    settings = ["--gateway", serving.address, "--model", "m", "--input", str(rows), "--rate", "120", "--seconds", "200"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tfx_rollout.cli", "replay", *settings, "--record", str(record), "--json"], stdout=subprocess.PIPE
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    answers.extend(json.loads(line) for line in record.read_text().splitlines())
    assert json.loads(out)["requests"] == len(answers)


def test_a_sound_version_is_promoted_and_a_harmful_one_rolled_back(serving, saved_models, plan, tmp_path):
    harmful = serving.model().publish(saved_models / "picky").version
    first = command(serving, "rollout", "start", "--version", 1, "--plan", plan, "--watch")
    assert (first.returncode, "first version" in first.stdout) == (0, True), first.stdout + first.stderr
    answers: list[dict] = []
    with replayed(serving, tmp_path, answers):
        sound = command(serving, "rollout", "start", "--version", 2, "--plan", plan, "--watch")
        assert (sound.returncode, "Outcome   promoted" in sound.stdout) == (0, True), sound.stdout + sound.stderr
        caught = command(serving, "rollout", "start", "--version", harmful, "--plan", plan, "--watch")
        assert (caught.returncode, "Outcome   rolled back" in caught.stdout) == (1, True), caught.stdout + caught.stderr

    report = json.loads(command(serving, "rollout", "report", "--json").stdout)
    assert (report["outcome"], report["passed"], report["stable"]) == ("rolled_back", False, 2)
    assert report["evidence"]["e_value"] >= report["evidence"]["threshold"] == 20
    assert len(report["bad_windows"]) >= 2
    # Only the harmful version failed requests, and each answer came from a version that was to give it.
    assert {(a["track"], a["code"]) for a in answers if a["code"] != "OK"} == {("canary", "INVALID_ARGUMENT")}
    history = serving.model().history()
    for answer in answers:
        if answer["version"] is not None:
            until = answer["at"] + answer["latency_ms"] / 1000
            assert answer["version"] in allowed_versions(history, Track(answer["track"]), answer["at"], until=until), answer
    status = json.loads(command(serving, "status", "--json").stdout)["models"][0]
    assert (status["labels"], status["rollout"]) == ({"stable": 2, "previous": 1}, None)
    # And back to the version before, which was kept.
    assert command(serving, "rollback").returncode == 0
    serving.in_force(serving.model().desired())
    assert serving.ask() == 3.0


def test_a_rollout_goes_on_after_its_supervisor_was_killed(serving, serve, plan, tmp_path, wait_until):
    serving.go_live(1)
    started = command(serving, "rollout", "start", "--version", 2, "--plan", plan)
    assert started.returncode == 0, started.stderr
    with serving.load():
        wait_until(lambda: serving.observed().split and serving.observed().split.canary, what="the first stage")
        serving.process.kill()
        serving.process.wait()
    assert running_rollout(serving.model()).phase is Phase.RUNNING
    with serve(serving.root) as again, again.load() as load:
        ended = command(again, "rollout", "watch")
        assert (ended.returncode, "Outcome   promoted" in ended.stdout) == (0, True), ended.stdout + ended.stderr
        assert load.await_more(20)[-1].value == 4.0


def test_a_version_that_does_not_load_is_rolled_back_with_the_servers_reason(serving, saved_models, plan):
    broken = serving.model().publish(saved_models / "broken").version
    serving.go_live(1)
    with serving.load() as load:
        refused = command(serving, "rollout", "start", "--version", broken, "--plan", plan, "--watch")
    assert (refused.returncode, f"version {broken} does not load on m~canary" in refused.stdout) == (1, True), refused.stdout
    assert load.failures == []
    assert serving.model().desired().labels == {"stable": 1}
