import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tfx_rollout.control.standing_back import NICE

STAND_BACK = """
import os, sys
from pathlib import Path
from tfx_rollout.control.standing_back import stand_back
if sys.argv[1] == "leader":
    os.setsid()
before = Path("/proc/self/autogroup")
before = before.read_text() if before.exists() else ""
stand_back()
after = before and Path("/proc/self/autogroup").read_text()
print(os.nice(0), os.sched_getscheduler(0), before.split()[-1:], after.split()[-1:])
import ctypes
attributes = (ctypes.c_uint32 * 14)()
if ctypes.CDLL(None).syscall(315, 0, attributes, ctypes.sizeof(attributes), 0) == 0:
    print(attributes[6])
"""
"""The last number is `sched_runtime` as sched_getattr(2) of x86-64 tells it, in nanoseconds."""

autogroups = pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this system knows no groups by session")


def stand_back(how="member"):
    done = subprocess.run([sys.executable, "-c", STAND_BACK, how], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")


def test_the_process_counts_for_less_and_interrupts_nobody():
    niceness, policy, *_ = stand_back()[0].split()
    assert (int(niceness), int(policy)) == (max(NICE, os.nice(0)), os.SCHED_BATCH)


@autogroups
def test_the_session_of_the_process_counts_for_less_where_it_is_its_own():
    assert stand_back("leader")[0].endswith(f"['0'] ['{NICE}']")


@autogroups
def test_a_session_that_is_shared_with_others_is_left_alone():
    *_, before, after = stand_back()[0].split()
    assert before == after


@pytest.mark.skipif(
    platform.machine() != "x86_64" or tuple(map(int, platform.release().split(".")[:2])) < (6, 12),
    reason="a process cannot ask for a slice of time before Linux 6.12",
)
def test_whoever_wakes_meanwhile_need_not_wait_until_a_short_slice_is_over():
    assert stand_back()[1] == "100000000"
