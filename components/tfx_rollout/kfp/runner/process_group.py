"""Ends a process with everything that it has started."""

from __future__ import annotations

import os
import signal


def kill_group(pid: int) -> None:
    """SIGKILL for a process that leads a group, and for the group. Nothing happens where it is gone."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
