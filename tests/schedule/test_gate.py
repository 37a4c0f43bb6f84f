"""`tfx-rollout schedule gate` as processes: of two retrainings that start at once, one starts a canary."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import list_rollouts
from tfx_rollout.traffic import Label

pytestmark = pytest.mark.integration

COMMAND = [sys.executable, "-m", "tfx_rollout.cli"]


@pytest.fixture
def base(tmp_path):
    base = ModelStore(tmp_path / "root").model("taxi")
    for number in (1, 2, 3):
        folder = tmp_path / f"export-{number}"
        folder.mkdir()
        (folder / "saved_model.pb").write_text(f"graph {number}")
        base.publish(folder)
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


@pytest.fixture
def gate(base):
    def gate(*arguments: str) -> list[str]:
        return [*COMMAND, "schedule", "gate", "--root", str(base.store.root), "--model", "taxi", *arguments]

    return gate


def run(command: list[str], seconds: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


def test_the_exit_code_is_the_commands(gate):
    for code in ("0", "7"):
        assert run(gate("--", sys.executable, "-c", f"raise SystemExit({code})")).returncode == int(code)


@pytest.mark.parametrize("on_overlap", ["stop", "wait", "supersede"])
def test_of_retrainings_that_start_at_once_exactly_one_starts_a_canary(base, gate, on_overlap):
    def retrain(version: int) -> list[str]:
        place = ["--root", str(base.store.root), "--model", "taxi", "--version", str(version)]
        # A plan that queues: only the gate keeps a second rollout from being started.
        start = [*COMMAND, "rollout", "start", *place, "--plan", str(base.store.root / "plan.json")]
        return gate("--on-overlap", on_overlap, "--wait-seconds", "1", "--", *start)

    plan = {"stages": [{"share": 0.1}], "on_running": "queue"}
    (base.store.root / "plan.json").write_text(json.dumps(plan))
    with ThreadPoolExecutor(4) as together:
        done = list(together.map(run, [retrain(version) for version in (2, 3, 2, 3)]))
    assert sorted(process.returncode for process in done) == [0, 3, 3, 3], [process.stderr for process in done]
    assert len(list_rollouts(base)) == 1
    for refused in (process.stderr for process in done if process.returncode == 3):
        assert "error: The retraining of model 'taxi' was not begun: " in refused


def test_a_gate_that_is_killed_gives_the_lock_back_and_its_command_ends(gate, tmp_path, until):
    began = tmp_path / "began"
    first = subprocess.Popen(gate("--", sys.executable, "-c", f"import time; open({str(began)!r}, 'w'); time.sleep(600)"))
    until(began.exists)
    assert run(gate("--on-overlap", "stop", "--", "true")).returncode == 3
    first.kill()
    first.wait()
    assert run(gate("--on-overlap", "stop", "--", "true")).returncode == 0


def test_a_signal_is_passed_on_to_the_command(gate, tmp_path, until):
    began = tmp_path / "began"
    code = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(9)); "
        f"open({str(began)!r}, 'w'); time.sleep(600)"
    )
    first = subprocess.Popen(gate("--", sys.executable, "-c", code))
    until(began.exists)
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 9


def test_a_pipelines_claim_is_made_and_released(gate):
    assert "taxi: claimed for run-1, for 60 s" in run(gate("--claim", "run-1", "--hold-seconds", "60")).stdout
    refused = run(gate("--on-overlap", "stop", "--", "true"))
    assert refused.returncode == 3
    assert "run run-1 of" in refused.stderr
    assert "taxi: the claim of run-1 is released" in run(gate("--release", "run-1")).stdout
    assert run(gate("--on-overlap", "stop", "--", "true")).returncode == 0


def test_one_of_command_claim_and_release_is_needed(gate):
    for arguments in ((), ("--claim", "x", "--release", "x"), ("--claim", "x", "--", "true")):
        assert "Give a COMMAND after --, or --claim RUN, or --release RUN." in run(gate(*arguments)).stderr


def test_a_schedule_that_keeps_clear_of_rollouts_is_told_as_overlapped(base, scheduler, until):
    overlap = {"root": str(base.store.root), "model": "taxi", "on_overlap": "stop"}
    start = [*COMMAND, "rollout", "start", "--root", str(base.store.root), "--model", "taxi", "--version", "2"]
    scheduler.declare(
        one={"cron": "* * * * * *", "command": start, "overlap": overlap},
        two={"cron": "* * * * * *", "command": start, "overlap": overlap},
    )
    scheduler.start()
    until(lambda: {"overlapped"} <= set(scheduler.outcomes("one")) & set(scheduler.outcomes("two")), 60)
    scheduler.stop()
    assert len(list_rollouts(base)) == 1
    outcomes = [*scheduler.outcomes("one"), *scheduler.outcomes("two")]
    assert outcomes.count("succeeded") == 1
    record = next(r for r in scheduler.history("one") if r.outcome == "overlapped")
    assert record.reason.startswith("The retraining of model 'taxi' was not begun: ")
