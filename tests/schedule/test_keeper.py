"""The keeper of a run, in this process, told to end at every instant."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest

from tfx_rollout.schedule import keeper
from tfx_rollout.schedule.keeper import Keeper
from tfx_rollout.schedule.local import LocalSchedule
from tfx_rollout.schedule.run_folder import ScheduleFolder
from tfx_rollout.schedule.trigger import Trigger

pytestmark = pytest.mark.integration


class Instants:
    """A trace function of the command's start and of the wait for its end: sends SIGTERM at one of their lines.

    At the latest where the wait begins its second turn; that was the `last` instant.
    """

    def __init__(self, instant: int) -> None:
        self._left, self._lines, self.last = instant, Counter(), False

    def __call__(self, frame, event, argument):
        if frame.f_code.co_filename != keeper.__file__ or frame.f_code.co_name not in ("_command", "_awaited"):
            return None
        if event == "line" and self._left > 0:
            self._lines[frame.f_lineno] += 1
            self.last = frame.f_code.co_name == "_awaited" and self._lines[frame.f_lineno] > 1
            self._left = 0 if self.last else self._left - 1
            if self._left == 0:
                signal.raise_signal(signal.SIGTERM)
        return self


def test_whenever_it_is_told_to_end_its_command_ends_and_that_is_written_down(tmp_path):
    folder = ScheduleFolder(tmp_path, "job")
    folder.create()
    schedule = LocalSchedule("job", Trigger(interval_seconds=1), ("sleep", "600"), str(tmp_path))
    for instant in itertools.count(1):
        run = folder.claim(datetime(2027, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=instant), schedule)
        instants, before = Instants(instant), sys.gettrace()
        sys.settrace(instants)
        try:
            record = Keeper(run, os.environ).run()
        finally:
            sys.settrace(before)
        assert (record.outcome, record.exit_code, record.reason) == ("stopped", -signal.SIGTERM, "it was told to end")
        assert (run / "end.json").exists()
        if instants.last:
            break
    assert instant > 5
