"""`tfx-rollout schedule` and `kubeflow/schedule.py` against a server of the published API."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

SCRIPT = Path(__file__).parents[3] / "kubeflow" / "schedule.py"


@pytest.fixture
def schedules(tmp_path):
    """A file that declares recurring runs."""

    def write(*names: str, **changes) -> Path:
        usual = {"cron": "0 30 2 * * *", "pipeline": {"name": "taxi"}, "pipeline_root": "gs://b/x"}
        document = {"experiment": "taxi", "schedules": [{"name": name, **usual, **changes} for name in names]}
        (tmp_path / "s.json").write_text(json.dumps(document))
        return tmp_path / "s.json"

    return write


@pytest.fixture
def run(kubeflow, tmp_path):
    """The command, in this process."""
    from click.testing import CliRunner

    from tfx_rollout.cli.app import app

    def run(*arguments: object, host: str | None = None):
        words = ["schedule", *map(str, arguments), "--host", host or kubeflow.url]
        return CliRunner().invoke(app, words, catch_exceptions=False)

    return run


def test_a_schedule_is_planned_applied_listed_switched_and_deleted(kubeflow, run, schedules):
    file = schedules("nightly")
    planned = run("plan", file)
    assert planned.exit_code == 0
    assert "nightly: create (cron 0 30 2 * * *; taxi, version latest)" in planned.stdout
    assert kubeflow.changes() == []
    assert json.loads(run("apply", file, "--json").stdout)[0]["kind"] == "create"
    assert run("apply", file).stdout == "nightly: as declared, nothing to do\n"
    (row,) = json.loads(run("list", "--json").stdout)
    assert (row["name"], row["enabled"], row["ours"], row["cron"], row["max_concurrency"]) == (
        "nightly",
        True,
        True,
        "0 30 2 * * *",
        1,
    )
    assert "nightly" in run("list").stdout
    assert run("disable", "nightly").stdout == "nightly: disabled\n"
    assert kubeflow.the_one("nightly").mode == "DISABLE"
    assert run("enable", "nightly").stdout == "nightly: enabled\n"
    assert kubeflow.the_one("nightly").mode == "ENABLE"
    assert run("delete", "nightly").stdout == "nightly: deleted\n"
    assert kubeflow.named("nightly") == []


def test_a_name_that_is_not_there_and_one_that_is_not_ours(kubeflow, run, schedules):
    missing = run("disable", "nightly")
    assert (missing.exit_code, missing.stderr.startswith("error: There is no recurring run nightly in http")) == (4, True)
    run("apply", schedules("nightly"))
    kubeflow.the_one("nightly").description = "by hand"
    refused = run("delete", "nightly")
    assert refused.exit_code == 2
    assert "was not made by tfx-rollout; give --foreign" in refused.stderr
    assert run("delete", "nightly", "--foreign").exit_code == 0


def test_each_fault_is_one_line_and_an_exit_code(kubeflow, run, schedules, monkeypatch, tmp_path):
    bad = run("apply", schedules("nightly", cron="0 2 * * *"))
    assert (bad.exit_code, bad.stderr.count("\n")) == (2, 1)
    assert "has five fields" in bad.stderr
    silent = run("apply", schedules("nightly"), host="http://127.0.0.1:1")
    assert (silent.exit_code, silent.stderr.count("\n")) == (7, 1)
    kubeflow.token = "secret"
    refused = run("apply", schedules("nightly"))
    assert (refused.exit_code, refused.stderr.count("\n")) == (7, 1)
    assert "did not take the token" in refused.stderr
    (tmp_path / "token").write_text("secret\n")
    assert run("plan", schedules("nightly"), "--token-file", tmp_path / "token").exit_code == 0
    monkeypatch.setenv("TFX_ROLLOUT_KFP_TOKEN", "secret")
    assert run("plan", schedules("nightly")).exit_code == 0
    assert kubeflow.changes() == []
    no_token = run("plan", schedules("nightly"), "--token-file", tmp_path / "none")
    monkeypatch.delenv("TFX_ROLLOUT_KFP_TOKEN")
    assert no_token.exit_code == 0  # the variable counts first
    assert "cannot be read as a token" in run("plan", schedules("nightly"), "--token-file", tmp_path / "none").stderr


def test_a_file_is_checked_without_a_server(kubeflow, schedules):
    done = subprocess.run([sys.executable, SCRIPT, "check", schedules("nightly")], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("nightly: cron 0 30 2 * * *, taxi, version latest; first at 20")


@pytest.mark.parametrize("operation", ["disable_recurring_run", "enable_recurring_run", "delete_recurring_run"])
def test_a_process_that_is_killed_between_two_steps_leaves_what_the_next_one_completes(
    kubeflow, run, schedules, operation, tmp_path
):
    run("apply", schedules("nightly"))
    kubeflow.states.clear()
    file = schedules("nightly", cron="0 0 3 * * *")
    kubeflow.fail(operation, delay=20, drop="before", times=1)
    environment = {**os.environ, "HOME": str(tmp_path)}
    process = subprocess.Popen([sys.executable, SCRIPT, "apply", file, "--host", kubeflow.url], env=environment)
    assert kubeflow.reached.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kubeflow.faults.clear()
    assert run("apply", file).exit_code == 0
    assert kubeflow.the_one("nightly").trigger.cron_schedule.cron == "0 0 3 * * *"
    assert kubeflow.the_one("nightly").mode == "ENABLE"
    assert all(sum(state["nightly"]) <= 1 and state["nightly"] for state in kubeflow.states)


def test_the_schemas_are_printed(kubeflow):
    for more, field in ((), "pipeline_root"), (("--local",), "command"):
        command = [sys.executable, "-m", "tfx_rollout.cli", "schedule", "schema", *more]
        assert field in subprocess.run(command, capture_output=True, text=True, check=True).stdout
