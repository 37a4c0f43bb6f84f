"""Schedules in a file of their own, and a scheduler in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tfx_rollout.schedule.run_folder import RunRecord, ScheduleFolder


def until(true: Callable[[], Any], seconds: float = 30) -> Any:
    """Waits for something to become true, and returns it."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, f"{true} did not come true in {seconds} s"
        time.sleep(0.02)
    return value


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., Any]:
    return until


@dataclass
class SchedulerProcess:
    """`tfx-rollout schedule local run` on one file."""

    folder: Path
    options: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None
    log: Path = Path()

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def declare(self, **schedules: dict[str, Any]) -> None:
        document = {"schedules": [{"name": name, **schedule} for name, schedule in schedules.items()]}
        (self.folder / "schedules.json").write_text(json.dumps(document))

    def start(self, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tfx_rollout.cli", "schedule", "local", "run", str(self.folder / "schedules.json")]
        self.log = self.folder / "scheduler.log"
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, "--state", str(self.state), *options],
                stderr=log,
                env={**os.environ, "TFX_ROLLOUT_KILL_SECONDS": "1"},
                text=True,
            )
        return self.process

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def history(self, name: str) -> list[RunRecord]:
        return ScheduleFolder(self.state, name).history()

    def outcomes(self, name: str) -> list[str]:
        return [record.outcome for record in self.history(name)]


@pytest.fixture
def scheduler(tmp_path) -> Iterator[SchedulerProcess]:
    scheduler = SchedulerProcess(tmp_path)
    yield scheduler
    if scheduler.process is not None and scheduler.process.poll() is None:
        scheduler.process.send_signal(signal.SIGTERM)
        scheduler.process.send_signal(signal.SIGTERM)
        scheduler.process.wait(30)
