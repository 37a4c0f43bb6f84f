"""Where the scheduler keeps what it knows, and how a run is claimed so that it can never start twice.

    <state>/
      lock                        held by the one scheduler of this folder
      jobs.sqlite                 next times (APScheduler's store)
      <name>/
        running                   held (flock) while a run goes on; passed on from scheduler to keeper
        history.jsonl             what became of each time: one line each
        runs/20270131T023000Z/    a run, by the time it was due; made by one scheduler alone
          run.json                the schedule as it was then
          keeper.json             the process under which it runs
          end.json                how it ended, written by that process
          log.txt                 its output

A run whose lock is free and that has no end was lost: its keeper was killed, or the machine stopped.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from tfx_rollout.model_store.control_file import append_line, make_folder, read_json, read_lines, write_json
from tfx_rollout.model_store.faults import storage_faults
from tfx_rollout.schedule.local import LocalSchedule
from tfx_rollout.schedule.trigger import written

SCHEMA = 1
_STAMP = "%Y%m%dT%H%M%SZ"
RunOutcome = Literal["succeeded", "failed", "timed_out", "stopped", "overlapped", "lost", "missed", "skipped"]
"""Ended with 0, or otherwise; took too long; was ended with the scheduler; was not begun because of a rollout or a
retraining; its keeper died; no scheduler ran at its time; the run before it went on."""


@dataclass(frozen=True)
class RunRecord:
    """A line of the history. Times as RFC 3339; `exit_code` is negative for a signal, None where nothing ran to its end."""

    run: str
    outcome: RunOutcome
    scheduled: str
    started: str | None = None
    ended: str | None = None
    exit_code: int | None = None
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **vars(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> RunRecord:
        return cls(**{name: value for name, value in data.items() if name != "schema"})


def run_id(scheduled: datetime) -> str:
    """The name of a run: the time it was due."""
    return scheduled.astimezone(timezone.utc).strftime(_STAMP)


def scheduled_time(run: str) -> datetime:
    """The time in a run's name."""
    return datetime.strptime(run, _STAMP).replace(tzinfo=timezone.utc)


class ScheduleFolder:
    """The folder of one schedule. Making one reads and writes nothing."""

    def __init__(self, state: Path, name: str) -> None:
        self.path = state / name
        self.runs = self.path / "runs"
        self._history = self.path / "history.jsonl"
        self._running = self.path / "running"

    def create(self) -> None:
        """Makes the folder."""
        make_folder(self.runs)

    @contextmanager
    def free(self) -> Iterator[int | None]:
        """A descriptor that holds the schedule's lock, for a run to inherit; None while another run goes on."""
        with storage_faults(self._running, "written"):
            descriptor = os.open(self._running, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield descriptor
        finally:
            os.close(descriptor)

    def await_free(self) -> None:
        """Returns when no run goes on."""
        with storage_faults(self._running, "written"):
            descriptor = os.open(self._running, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def claim(self, scheduled: datetime, schedule: LocalSchedule) -> Path | None:
        """The folder of a new run; None when this time was claimed before, so that it is not to be started again."""
        folder = self.runs / run_id(scheduled)
        with storage_faults(folder, "made"):
            try:
                folder.mkdir()
            except FileExistsError:
                return None
        write_json(folder / "run.json", {"schema": SCHEMA, "scheduled": written(scheduled), "schedule": schedule.to_json()})
        return folder

    def keeper(self) -> int | None:
        """The pid of the keeper of the newest run; to be trusted only while the lock is held."""
        runs = self.run_names()
        data = read_json(self.runs / runs[-1] / "keeper.json") if runs else None
        return None if data is None else int(data["pid"])

    def run_names(self) -> list[str]:
        """The names of all runs that have a folder, oldest first."""
        with storage_faults(self.runs, "read"):
            try:
                return sorted(folder.name for folder in self.runs.iterdir())
            except FileNotFoundError:
                return []

    def history(self) -> list[RunRecord]:
        """What became of each time, oldest first."""
        return [RunRecord.from_json(line) for line in read_lines(self._history)]

    def note(self, record: RunRecord) -> None:
        """Adds a line to the history."""
        append_line(self._history, record.to_json())

    def settle(self) -> list[RunRecord]:
        """Notes the ends of runs that are not in the history yet. Only while the lock is free."""
        known = {record.run for record in self.history()}
        records = [self._end_of(run) for run in self.run_names() if run not in known]
        for record in records:
            self.note(record)
        return records

    def _end_of(self, run: str) -> RunRecord:
        end = read_json(self.runs / run / "end.json")
        if end is not None:
            return RunRecord.from_json(end)
        keeper = read_json(self.runs / run / "keeper.json")
        started = None if keeper is None else keeper["started"]
        reason = (
            "it was being started when the scheduler died" if keeper is None else "the process that kept it died; see its log"
        )
        return RunRecord(run, "lost", written(scheduled_time(run)), started, reason=reason)
