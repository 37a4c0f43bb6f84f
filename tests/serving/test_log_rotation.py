"""Logs of servers that never open them anew."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tfx_rollout.errors import StorageFault
from tfx_rollout.serving.log_rotation import rotate_log

WRITER = "import sys\nfor line in sys.stdin:\n    print(line.strip() * 100, flush=True)\n"


def aside(log):
    return {path.name: path.read_text() for path in log.parent.iterdir() if path != log}


def test_a_log_that_is_small_or_not_there_stays(tmp_path):
    log = tmp_path / "m.log"
    assert not rotate_log(log, over_bytes=10)
    log.write_text("0123456789")
    assert not rotate_log(log, over_bytes=10)
    assert log.read_text() == "0123456789"
    assert aside(log) == {}


def test_the_newest_logs_are_kept_and_older_ones_go(tmp_path):
    log = tmp_path / "m.log"
    for number in range(5):
        log.write_text(f"log {number}")
        assert rotate_log(log, over_bytes=3, kept=3)
        assert log.read_bytes() == b""
    assert aside(log) == {"m.log.1": "log 4", "m.log.2": "log 3", "m.log.3": "log 2"}


def test_a_server_goes_on_writing_to_the_same_file_from_its_start(tmp_path):
    log = tmp_path / "m.log"
    with log.open("ab") as output:
        writer = subprocess.Popen([sys.executable, "-c", WRITER], stdin=subprocess.PIPE, stdout=output, text=True)
    assert writer.stdin is not None
    try:
        for mark in "abc":
            writer.stdin.write(f"{mark}\n")
            writer.stdin.flush()
            while not log.read_text().endswith(f"{mark}\n"):
                assert writer.poll() is None
            assert rotate_log(log, over_bytes=50)
    finally:
        writer.stdin.close()
        writer.wait(20)
    assert aside(log) == {f"m.log.{number}": mark * 100 + "\n" for number, mark in ((1, "c"), (2, "b"), (3, "a"))}
    assert log.stat().st_size == 0


def test_a_disk_that_is_full_empties_nothing(tmp_path):
    log = tmp_path / "m.log"
    log.write_text("what happened")
    (tmp_path / "m.log.draft").symlink_to("/dev/full")
    with pytest.raises(StorageFault, match="the disk is full"):
        rotate_log(log, over_bytes=3)
    assert log.read_text() == "what happened"
    assert aside(log) == {}
