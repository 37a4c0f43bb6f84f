"""The process under which one run goes on: it starts the command, ends it in time, and writes down how it ended.

Started as `python -m tfx_rollout.schedule.keeper RUN_FOLDER` by the scheduler, whose lock on the
schedule it inherits. It outlives the scheduler, so that a run is not lost with it; the command in
turn dies with its keeper, so that none goes on unseen. SIGTERM is passed on to the command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import datetime, timezone
from pathlib import Path

from tfx_rollout.errors import CorruptState, RetrainingOverlap, RolloutError
from tfx_rollout.model_store.control_file import read_json, write_json
from tfx_rollout.schedule.local import LocalSchedule
from tfx_rollout.schedule.run_folder import SCHEMA, RunOutcome, RunRecord
from tfx_rollout.schedule.trigger import written
from tfx_rollout.serving.stop_signal import StopSignal

KILL_SECONDS = 10.0
"""How long a command gets between SIGTERM and SIGKILL; TFX_ROLLOUT_KILL_SECONDS changes it."""
_POLL_SECONDS = 0.05


class Keeper:
    """One run."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        data = read_json(folder / "run.json")
        if data is None:
            raise CorruptState(str(folder / "run.json"), "it is not there")
        self._folder = folder
        self._schedule = LocalSchedule.from_json(data["schedule"])
        self._scheduled: str = data["scheduled"]
        self._environment = environment
        self._kill_seconds = float(environment.get("TFX_ROLLOUT_KILL_SECONDS", KILL_SECONDS))
        self._stop = StopSignal()

    def run(self) -> RunRecord:
        """Runs the command to its end and writes that down."""
        # To the last: what became of it shall be written though it is told to end once more.
        with self._stop.heard():
            started = written(_now())
            write_json(self._folder / "keeper.json", {"schema": SCHEMA, "pid": os.getpid(), "started": started})
            outcome, exit_code, reason = self._outcome()
            record = RunRecord(self._folder.name, outcome, self._scheduled, started, written(_now()), exit_code, reason)
            write_json(self._folder / "end.json", record.to_json())
            return record

    def _outcome(self) -> tuple[RunOutcome, int | None, str]:
        try:
            with ExitStack() as stack:
                self._keep_clear(stack)
                self._pause(0.0)
                return self._command()
        except _Told:
            return "stopped", None, "it was told to end before it began"
        except RetrainingOverlap as overlap:
            return "overlapped", None, str(overlap)
        except (RolloutError, OSError) as fault:
            return "failed", None, str(fault)

    def _keep_clear(self, stack: ExitStack) -> None:
        overlap = self._schedule.overlap
        if overlap is None:
            return
        from tfx_rollout.model_store import ModelStore
        from tfx_rollout.schedule.overlap import retraining

        base = ModelStore(Path(overlap.root)).model(overlap.model)
        by = f"schedule {self._schedule.name}"
        stack.enter_context(
            retraining(base, overlap.on_overlap, wait_seconds=overlap.wait_seconds, by=by, say=_say, pause=self._pause)
        )

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _Told

    def _command(self) -> tuple[RunOutcome, int | None, str]:
        from tfx_rollout.serving.tether import tethered

        schedule = self._schedule
        environment = {
            **self._environment,
            **schedule.env,
            "TFX_ROLLOUT_SCHEDULE": schedule.name,
            "TFX_ROLLOUT_RUN": self._folder.name,
            "TFX_ROLLOUT_SCHEDULED_TIME": self._scheduled,
        }
        _say(f"starts {schedule.command} in {schedule.cwd}")
        process = subprocess.Popen(
            tethered(schedule.command), cwd=schedule.cwd, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        ending = self._awaited(process, schedule.timeout_seconds)
        if ending is not None:
            outcome, reason = ending
            _say(f"{reason}; ends it")
            return outcome, self._ended(process), reason
        code = process.wait()
        said = "" if code == 0 else f"it ended with {_in_words(code)}; see its log"
        return "succeeded" if code == 0 else "failed", code, said

    def _awaited(self, process: subprocess.Popen[bytes], timeout: float) -> tuple[RunOutcome, str] | None:
        """Waits for the end of the command; why it is to be ended before, if it is."""
        deadline = time.monotonic() + timeout
        while process.poll() is None:
            if self._stop.wait(_POLL_SECONDS):
                return "stopped", "it was told to end"
            if time.monotonic() >= deadline:
                return "timed_out", f"it took longer than {timeout:g} s"
        return None

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        """Tells the command, and all it started, to end, and then makes them."""
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(self._kill_seconds)
        _signal_group(process.pid, signal.SIGKILL)
        return process.wait()


class _Told(Exception):
    """It was told to end before the command began."""


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return  # all of them have ended


def _in_words(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _say(text: str) -> None:
    print(f"{written(_now())} tfx-rollout: {text}", flush=True)


def _now() -> datetime:
    return datetime.now(timezone.utc)


if __name__ == "__main__":
    record = Keeper(Path(sys.argv[1]), os.environ).run()
    _say(f"{record.outcome} {record.reason}".rstrip())
