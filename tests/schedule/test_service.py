"""The scheduler in a process of its own: runs, restarts, kills and stops."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tfx_rollout.schedule.run_folder import ScheduleFolder

pytestmark = pytest.mark.integration

EACH_SECOND = "* * * * * *"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_command_runs_at_its_times_with_its_variables_folder_and_log(scheduler, tmp_path, until):
    (tmp_path / "work").mkdir()
    code = (
        "import os; print(os.getcwd(), os.environ['A'], os.environ['TFX_ROLLOUT_RUN'], os.environ['TFX_ROLLOUT_SCHEDULED_TIME'])"
    )
    scheduler.declare(
        good={"cron": EACH_SECOND, "command": python(code), "cwd": "work", "env": {"A": "$x %y"}},
        bad={"cron": EACH_SECOND, "command": python("raise SystemExit(3)")},
    )
    scheduler.start()
    until(lambda: "succeeded" in scheduler.outcomes("good") and "failed" in scheduler.outcomes("bad"))
    assert scheduler.stop() == 0
    record = next(r for r in scheduler.history("good") if r.outcome == "succeeded")
    log = (scheduler.state / "good" / "runs" / record.run / "log.txt").read_text()
    assert f"{tmp_path / 'work'} $x %y {record.run} {record.scheduled}" in log
    failed = next(r for r in scheduler.history("bad") if r.outcome == "failed")
    assert (failed.exit_code, failed.reason) == (3, "it ended with exit code 3; see its log")


def test_no_second_run_begins_while_one_goes_on_and_the_time_is_told_as_skipped(scheduler, tmp_path, until):
    code = f"open({str(tmp_path / 'began')!r}, 'a').write('x'); import time; time.sleep(600)"
    scheduler.declare(long={"cron": EACH_SECOND, "command": python(code)})
    scheduler.start("--grace", "0")
    until(lambda: scheduler.outcomes("long").count("skipped") >= 2)
    assert (tmp_path / "began").read_text() == "x"
    scheduler.stop()
    assert scheduler.history("long")[-1].outcome == "stopped"


def test_a_run_that_takes_too_long_is_ended_with_all_that_it_started(scheduler, tmp_path, until):
    pid = tmp_path / "pid"
    child = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    scheduler.declare(slow={"interval_seconds": 1, "command": python(code), "timeout_seconds": 1.5})
    scheduler.start("--grace", "0")
    # A run may be so slow to begin that its time is over before it has started anything; the next one will.
    started = int(until(lambda: pid.exists() and pid.read_text()))
    until(lambda: not is_alive(started))
    record = until(lambda: [r for r in scheduler.history("slow") if r.outcome == "timed_out"])[0]
    assert record.reason == "it took longer than 1.5 s"
    scheduler.stop()


def test_a_stop_lets_the_run_finish_within_the_grace(scheduler, tmp_path, until):
    go = tmp_path / "go"
    code = f"import os, time\nopen({str(tmp_path / 'began')!r}, 'w')\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)"
    scheduler.declare(job={"cron": EACH_SECOND, "command": python(code)})
    scheduler.start("--grace", "60")
    until((tmp_path / "began").exists)
    scheduler.process.send_signal(signal.SIGTERM)
    until(lambda: "stopping; waits up to 60 s for job" in scheduler.log.read_text())
    assert scheduler.process.poll() is None
    go.touch()
    assert scheduler.process.wait(30) == 0
    assert scheduler.history("job")[-1].outcome == "succeeded"


def test_a_stop_ends_a_run_after_the_grace_even_one_that_does_not_listen(scheduler, tmp_path, until):
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"open({str(tmp_path / 'began')!r}, 'w'); time.sleep(600)"
    )
    scheduler.declare(deaf={"cron": EACH_SECOND, "command": python(code)})
    scheduler.start("--grace", "0.2")
    until((tmp_path / "began").exists)
    assert scheduler.stop() == 0
    record = scheduler.history("deaf")[-1]
    assert (record.outcome, record.exit_code, record.reason) == ("stopped", -9, "it was told to end")


def test_a_run_outlives_a_killed_scheduler_and_the_next_one_finds_it(scheduler, tmp_path, until):
    go, began = tmp_path / "go", tmp_path / "began"
    code = (
        f"import os, time\nopen({str(began)!r}, 'a').write('x')\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.02)\nraise SystemExit(4)"
    )
    scheduler.declare(job={"cron": EACH_SECOND, "command": python(code)})
    scheduler.start()
    until(began.exists)
    scheduler.stop(signal.SIGKILL)
    assert "failed" not in scheduler.outcomes("job")
    scheduler.start()
    until(lambda: "goes on, which a scheduler before this one started" in scheduler.log.read_text())
    until(lambda: scheduler.outcomes("job").count("skipped") >= 1)
    assert began.read_text() == "x"
    scheduler.declare(job={"cron": EACH_SECOND, "command": python(code), "enabled": False})
    go.touch()
    record = until(lambda: [r for r in scheduler.history("job") if r.outcome == "failed"])[0]
    assert record.exit_code == 4
    scheduler.stop()
    runs = [r.run for r in scheduler.history("job") if r.outcome in ("failed", "succeeded")]
    assert len(runs) == len(set(runs))


def test_a_run_that_ended_while_no_scheduler_ran_has_its_exit_code(scheduler, tmp_path, until):
    go, began = tmp_path / "go", tmp_path / "began"
    code = (
        f"import os, time\nopen({str(began)!r}, 'w')\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.02)\nraise SystemExit(5)"
    )
    scheduler.declare(job={"cron": EACH_SECOND, "command": python(code)})
    scheduler.start()
    until(began.exists)
    scheduler.stop(signal.SIGKILL)
    go.touch()
    ScheduleFolder(scheduler.state, "job").await_free()
    scheduler.declare(job={"cron": EACH_SECOND, "command": python(code), "enabled": False})
    scheduler.start()
    record = until(lambda: [r for r in scheduler.history("job") if r.outcome == "failed"])[0]
    assert record.exit_code == 5


def test_a_run_whose_keeper_was_killed_is_lost_and_its_command_ends_with_it(scheduler, tmp_path, until):
    pid = tmp_path / "pid"
    code = (
        f"import os, time; open({str(pid)!r} + '.new', 'w').write(str(os.getpid())); "
        f"os.replace({str(pid)!r} + '.new', {str(pid)!r}); time.sleep(600)"
    )
    scheduler.declare(job={"cron": EACH_SECOND, "command": python(code)})
    scheduler.start()
    until(pid.exists)
    folder = ScheduleFolder(scheduler.state, "job")
    command = int(pid.read_text())
    os.kill(folder.keeper(), signal.SIGKILL)
    record = until(lambda: [r for r in scheduler.history("job") if r.outcome == "lost"])[0]
    assert record.reason == "the process that kept it died; see its log"
    until(lambda: not is_alive(command))
    scheduler.stop()


def time_passes(store_file: Path, days: int) -> None:
    """The stored next time lies further back, as if no scheduler had run meanwhile."""
    with closing(sqlite3.connect(store_file)) as store, store:
        (state,) = store.execute("select job_state from apscheduler_jobs").fetchone()
        job = pickle.loads(state)
        job["next_run_time"] -= timedelta(days=days)
        change = "update apscheduler_jobs set job_state = ?, next_run_time = ?"
        store.execute(change, (pickle.dumps(job), job["next_run_time"].timestamp()))


def test_times_that_passed_while_no_scheduler_ran_are_told_as_missed_and_not_made_up_for(scheduler, tmp_path, until):
    began = tmp_path / "began"
    scheduler.declare(job={"cron": "0 0 0 1 1 *", "command": python(f"open({str(began)!r}, 'a').write('x')")})
    scheduler.start()
    until(lambda: "job: cron 0 0 0 1 1 *; next at" in scheduler.log.read_text())
    scheduler.stop()
    time_passes(scheduler.state / "jobs.sqlite", days=1200)
    scheduler.start()
    until(lambda: "missed" in scheduler.outcomes("job"))
    scheduler.stop()
    assert not began.exists()
    (record,) = scheduler.history("job")
    assert record.reason.startswith("noticed ")
    assert record.run.endswith("0101T000000Z")


def test_a_schedule_that_is_taken_out_of_the_file_runs_no_more(scheduler, tmp_path, until):
    began = tmp_path / "began"
    scheduler.declare(job={"cron": EACH_SECOND, "command": python(f"open({str(began)!r}, 'a').write('x')")})
    scheduler.start()
    until(began.exists)
    scheduler.stop()
    before = began.read_text()
    scheduler.declare(other={"cron": EACH_SECOND, "command": ["true"]})
    scheduler.start()
    until(lambda: scheduler.outcomes("other").count("succeeded") >= 2)
    assert began.read_text() == before


def test_two_schedulers_cannot_have_one_folder(scheduler, until):
    scheduler.declare(job={"cron": "0 0 0 1 1 *", "command": ["true"]})
    scheduler.start()
    until(lambda: "running 1 schedules" in scheduler.log.read_text())
    first, log = scheduler.process, scheduler.log
    second = scheduler.start()
    assert second.wait(30) == 3
    assert "is held by process" in log.read_text()
    scheduler.process = first


def test_a_command_that_is_not_there_is_refused_before_anything_runs(scheduler, tmp_path):
    scheduler.declare(job={"cron": EACH_SECOND, "command": ["no-such-program"]}, good={"cron": EACH_SECOND, "command": ["true"]})
    assert scheduler.start().wait(30) == 2
    assert "job.command begins with 'no-such-program', which is no program here" in scheduler.log.read_text()
    assert not scheduler.state.exists()


def test_every_run_of_a_schedule_is_claimed_once(scheduler, tmp_path, until):
    """Killed and started again and again: no time is run twice."""
    runs = tmp_path / "runs"
    code = f"import os; open({str(runs)!r}, 'a').write(os.environ['TFX_ROLLOUT_RUN'] + '\\n')"
    scheduler.declare(job={"cron": EACH_SECOND, "command": python(code)})
    for number in range(4):
        scheduler.start()
        until(lambda: runs.exists() and len(runs.read_text().splitlines()) > number)  # noqa: B023
        scheduler.stop(signal.SIGKILL)
    begun = runs.read_text().splitlines()
    assert len(begun) == len(set(begun)) >= 4
    assert json.loads((scheduler.state / "job" / "runs" / begun[0] / "run.json").read_text())["schema"] == 1
