"""Ends a process with everything that it has started."""

from __future__ import annotations

import os
import select
import signal


def kill_group(pid: int) -> None:
    """SIGKILL for a process that leads a group, and for the group. It must not be reaped yet: its number is then its own."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def ends_within(pid: int, seconds: float) -> bool:
    """Waits for a child's end, and does not reap it; False where it goes on."""
    descriptor = os.pidfd_open(pid)
    try:
        readable, _, _ = select.select([descriptor], [], [], seconds)
    finally:
        os.close(descriptor)
    return bool(readable)
