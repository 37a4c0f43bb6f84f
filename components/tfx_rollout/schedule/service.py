"""The scheduler that runs here, without Kubeflow: APScheduler with a job store in a file, and a keeper for each run.

APScheduler knows when; what a time means is ours: it is claimed by a folder, so that no restart
starts it twice; it is left out while the run before goes on, and told as missed when it is too
late. A scheduler that is killed leaves its runs to their keepers, and the next one finds them.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES  # type: ignore[import-untyped]
from apscheduler.executors.base import BaseExecutor  # type: ignore[import-untyped]
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore  # type: ignore[import-untyped]
from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]
from apscheduler.triggers.base import BaseTrigger  # type: ignore[import-untyped]

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.model_store import FileLock, make_folder
from tfx_rollout.schedule.local import LocalSchedule
from tfx_rollout.schedule.run_folder import RunRecord, ScheduleFolder, run_id
from tfx_rollout.schedule.trigger import Trigger, written
from tfx_rollout.serving.stop_signal import StopSignal

LATE_SECONDS = 60.0
"""A time that is noticed later than this is missed, and not made up for."""
GRACE_SECONDS = 30.0
"""How long a run gets at a stop before it is told to end."""
_LOG = logging.getLogger("tfx_rollout.schedule")


class TimesOf(BaseTrigger):
    """A `Trigger` as APScheduler wants it. Kept in the job store by what it was made of."""

    def __init__(self, trigger: Trigger) -> None:
        self._trigger = trigger

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first time from now on, or the one after the last."""
        return self._trigger.first(now) if previous_fire_time is None else self._trigger.following(previous_fire_time)

    def __getstate__(self) -> dict[str, Any]:
        return self._trigger.to_json()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._trigger = Trigger.from_json(state)

    def __str__(self) -> str:
        return str(self._trigger)


def due(name: str) -> None:
    """What the job store remembers of a job: the name of its schedule. `_Runs` does what is to be done."""
    raise AssertionError(f"schedule {name} is run by its executor")


class _Runs(BaseExecutor):
    """Starts a keeper for a time that has come, and waits for its end in a thread."""

    def __init__(self, start: Callable[[str, datetime], None]) -> None:
        super().__init__()
        self._start = start

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        threading.Thread(target=self._run, args=(job, run_times[-1]), name=job.id, daemon=True).start()

    def _run(self, job: Any, scheduled: datetime) -> None:
        try:
            self._start(job.id, scheduled)
        except Exception as fault:  # noqa: BLE001 - one schedule's fault may not end the others
            self._run_job_error(job.id, fault, fault.__traceback__)
        else:
            self._run_job_success(job.id, [])


class LocalScheduler:
    """Runs the schedules of a file in the foreground, until SIGTERM or SIGINT. One for a state folder."""

    def __init__(
        self,
        schedules: Sequence[LocalSchedule],
        state: Path,
        *,
        grace_seconds: float = GRACE_SECONDS,
        late_seconds: float = LATE_SECONDS,
    ) -> None:
        self._schedules = {schedule.name: schedule for schedule in schedules}
        self._state = state.absolute()
        self._grace_seconds, self._late_seconds = grace_seconds, late_seconds
        self._stop = StopSignal()
        self._going: dict[str, threading.Thread] = {}
        self._keepers: dict[str, subprocess.Popen[bytes]] = {}
        self._mutex = threading.Lock()

    def run(self) -> None:
        """Runs until told to stop. `InvalidPlan` for commands that are not there, `Busy` where another scheduler runs."""
        self._check_commands()
        make_folder(self._state)
        with FileLock(self._state / "lock", "the schedules of this folder").held(timeout=0), self._stop.heard():
            for name in self._schedules:
                self._find_again(name)
            scheduler = self._scheduler()
            _LOG.info("running %d schedules; state in %s", len(self._schedules), self._state)
            self._stop.wait()
            scheduler.shutdown(wait=False)
            self._end_runs()

    def _check_commands(self) -> None:
        faults = [
            f"{schedule.name}.command begins with {schedule.command[0]!r}, which is no program here; install it, or correct it"
            for schedule in self._schedules.values()
            if schedule.enabled and not _is_program(schedule)
        ]
        if faults:
            raise InvalidPlan("The schedule file", faults)

    # Times

    def _scheduler(self) -> BackgroundScheduler:
        store = SQLAlchemyJobStore(url=f"sqlite:///{self._state / 'jobs.sqlite'}")
        scheduler = BackgroundScheduler(
            jobstores={"default": store},
            executors={"default": _Runs(self._start)},
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
            timezone=timezone.utc,
        )
        scheduler.add_listener(self._left_out, EVENT_JOB_MAX_INSTANCES)
        scheduler.start(paused=True)
        self._declare(scheduler)
        scheduler.resume()
        return scheduler

    def _declare(self, scheduler: BackgroundScheduler) -> None:
        """Makes the stored jobs those of the file; one that is as it was keeps its next time, so that what was missed is told."""
        wanted = {name: schedule for name, schedule in self._schedules.items() if schedule.enabled}
        for job in scheduler.get_jobs():
            if job.id not in wanted:
                scheduler.remove_job(job.id)
        for name, schedule in wanted.items():
            trigger = TimesOf(schedule.trigger)
            job = scheduler.get_job(name)
            if job is None or job.trigger.__getstate__() != trigger.__getstate__():
                job = scheduler.add_job(due, trigger, args=[name], id=name, name=name, replace_existing=True)
            following = getattr(job, "next_run_time", None)
            _LOG.info("%s: %s; next at %s", name, schedule.trigger, "no time" if following is None else written(following))

    def _start(self, name: str, scheduled: datetime) -> None:
        """What happens when a time has come. Returns when the run has ended."""
        folder, schedule = ScheduleFolder(self._state, name), self._schedules[name]
        late = (datetime.now(timezone.utc) - scheduled).total_seconds()
        if late > self._late_seconds:
            self._note(name, RunRecord(run_id(scheduled), "missed", written(scheduled), reason=f"noticed {late:.0f} s too late"))
            return
        with self._mutex:
            if self._stop:
                self._note(name, RunRecord(run_id(scheduled), "missed", written(scheduled), reason="the scheduler was stopping"))
                return
            with folder.free() as lock:
                if lock is None:
                    self._skip(name, scheduled)
                    return
                run = folder.claim(scheduled, schedule)
                if run is None:
                    return
                with (run / "log.txt").open("ab") as log:
                    keeper = subprocess.Popen(
                        [sys.executable, "-m", "tfx_rollout.schedule.keeper", str(run)],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        pass_fds=[lock],
                        start_new_session=True,
                    )
            self._keepers[name], self._going[name] = keeper, threading.current_thread()
        _LOG.info("%s: run %s starts; its log is %s", name, run.name, run / "log.txt")
        keeper.wait()
        self._settle(name)
        with self._mutex:
            del self._keepers[name], self._going[name]

    def _find_again(self, name: str) -> None:
        """Runs that a scheduler before this one left: those that go on are awaited, the others get their end noted."""
        folder = ScheduleFolder(self._state, name)
        folder.create()
        with folder.free() as lock:
            if lock is not None:
                self._settle(name)
                return
        thread = threading.Thread(target=self._await_found, args=(name,), name=name, daemon=True)
        self._going[name] = thread
        _LOG.info("%s: run %s goes on, which a scheduler before this one started", name, folder.run_names()[-1])
        thread.start()

    def _await_found(self, name: str) -> None:
        ScheduleFolder(self._state, name).await_free()
        self._settle(name)
        with self._mutex:
            self._going.pop(name, None)

    # What became of them

    def _left_out(self, event: Any) -> None:
        for scheduled in event.scheduled_run_times[-1:]:
            self._skip(event.job_id, scheduled)

    def _skip(self, name: str, scheduled: datetime) -> None:
        self._note(name, RunRecord(run_id(scheduled), "skipped", written(scheduled), reason="the run before it goes on"))

    def _settle(self, name: str) -> None:
        for record in ScheduleFolder(self._state, name).settle():
            _LOG.info("%s: run %s %s %s", name, record.run, record.outcome, record.reason)

    def _note(self, name: str, record: RunRecord) -> None:
        ScheduleFolder(self._state, name).note(record)
        _LOG.info("%s: run %s %s: %s", name, record.run, record.outcome, record.reason)

    # The end

    def _end_runs(self) -> None:
        """Runs that go on get the grace, or until it is told to stop again; then their keepers are told to end them."""
        with self._mutex:
            going = dict(self._going)
        if going:
            _LOG.info("stopping; waits up to %g s for %s", self._grace_seconds, ", ".join(going))
        began = time.monotonic()
        for thread in going.values():
            while thread.is_alive() and self._stop.count < 2 and time.monotonic() - began < self._grace_seconds:
                thread.join(0.1)
        for name, thread in going.items():
            if thread.is_alive():
                self._tell(name)
                thread.join()

    def _tell(self, name: str) -> None:
        with self._mutex:
            keeper = self._keepers.get(name)
        pid = keeper.pid if keeper is not None else ScheduleFolder(self._state, name).keeper()
        _LOG.info("%s: is told to end", name)
        if pid is not None:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                return  # it has just ended by itself


def _is_program(schedule: LocalSchedule) -> bool:
    program = schedule.command[0]
    return shutil.which(Path(schedule.cwd, program) if "/" in program else program) is not None
