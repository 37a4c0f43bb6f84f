"""How the API's process gives way to those who are served, where both want a processor.

Linux decides by three things, and each counts only in some places: a process' niceness within its group of processes; the
niceness of that group, where each session is one (autogroups: the supervisor gives each of its processes a session); and the
slice of time that a process asks for (since 6.12): one with a shorter slice that wakes takes the processor at once, where
it would else wait until the other one has used up its own. None of them lets this process starve. See sched(7).
"""

from __future__ import annotations

import ctypes
import os
import platform
from contextlib import suppress
from pathlib import Path

NICE = 10
"""By so much this process counts for less."""
SLICE_NS = 100_000_000
"""The longest slice that there is, in nanoseconds; others have some 3 ms, or less."""

_AUTOGROUP = Path("/proc/self/autogroup")
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
"""The number of the system call, which neither Python nor an older C library has a name for."""


class _SchedulingAttributes(ctypes.Structure):
    """`struct sched_attr` of sched_setattr(2), in its first form."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def stand_back() -> None:
    """Call it before the first thread is started. What the system does not know or allow is left as it is."""
    niceness = os.nice(max(0, NICE - os.nice(0)))
    if os.getsid(0) == os.getpid():
        # The session is ours alone.
        with suppress(OSError):
            _AUTOGROUP.write_text(str(niceness))
    # Such a process interrupts no other one when it wakes.
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    number = _SCHED_SETATTR.get(platform.machine())
    if number is not None:
        wanted = _SchedulingAttributes(policy=os.SCHED_BATCH, nice=niceness, runtime=SLICE_NS)
        wanted.size = ctypes.sizeof(wanted)
        # Refused by a sandbox or not known, it changes nothing.
        ctypes.CDLL(None).syscall(number, 0, ctypes.byref(wanted), 0)
