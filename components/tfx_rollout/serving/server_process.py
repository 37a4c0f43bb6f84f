"""A process that serves: started by this program, or by one before it and adopted."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
from pathlib import Path

from tfx_rollout.errors import ServingFault


class ServerProcess:
    """A process in a session of its own. It is the same to work with whether it is our child or an adopted one."""

    def __init__(self, pid: int, start_ticks: int, *, child: subprocess.Popen[bytes] | None, pidfd: int | None) -> None:
        """Use `started` or `found`."""
        self.pid = pid
        self.start_ticks = start_ticks
        """When it started, in the kernel's clock ticks since boot: with the pid, its identity."""
        self._child, self._pidfd = child, pidfd

    @classmethod
    def started(cls, child: subprocess.Popen[bytes]) -> ServerProcess:
        """A child that was just started (and not waited for yet)."""
        return cls(child.pid, start_ticks_of(child.pid) or 0, child=child, pidfd=None)

    @classmethod
    def found(cls, pid: int, start_ticks: int) -> ServerProcess | None:
        """The running process that another program started; None when it has ended, though its pid be another's now.

        Raises `ServingFault` where the kernel cannot watch it.
        """
        try:
            pidfd = os.pidfd_open(pid)
        except OSError as error:
            if error.errno in (errno.ESRCH, errno.EINVAL):
                return None
            raise ServingFault(
                f"Process {pid} cannot be watched (pidfd_open: {error.strerror}), which takes Linux 5.3 or newer; "
                "end it by hand, and serve with --tethered there."
            ) from error
        # Looked at after the descriptor was opened, which means one process for ever.
        found = cls(pid, start_ticks, child=None, pidfd=pidfd)
        return found if start_ticks_of(pid) == start_ticks and found.alive() else None

    def __del__(self) -> None:
        if self._pidfd is not None:
            os.close(self._pidfd)

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs, and for an adopted one, whose code nobody knows."""
        return None if self._child is None else self._child.poll()

    def alive(self) -> bool:
        """Whether it runs."""
        if self._child is not None:
            return self._child.poll() is None
        return not self._ends_within(0)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits for its end, for ever by default; whether it has ended."""
        if self._child is None:
            return self._ends_within(timeout_s)
        try:
            self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self) -> None:
        """Asks it to end (SIGTERM), without waiting."""
        if self._child is not None:
            self._child.terminate()
        elif self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)

    def kill(self) -> None:
        """Ends it and whatever it started (SIGKILL to its group), without waiting."""
        with contextlib.suppress(ProcessLookupError):
            if self.alive():
                os.killpg(os.getpgid(self.pid), signal.SIGKILL)

    def _ends_within(self, timeout_s: float | None) -> bool:
        assert self._pidfd is not None
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(None if timeout_s is None else round(timeout_s * 1000)))


def start_ticks_of(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (field 22 of proc(5)'s stat); None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The second field is the name in parentheses, with any characters in it.
    return int(stat.rpartition(b")")[2].split()[19])
