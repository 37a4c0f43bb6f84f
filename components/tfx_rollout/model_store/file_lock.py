"""A lock between processes that a crash of its holder releases."""

from __future__ import annotations

import fcntl
import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfx_rollout.errors import Busy
from tfx_rollout.model_store.faults import storage_faults

_RECORD = 256
"""Bytes of the holder's record. Of one size, so that overwriting it needs no space on a full disk."""


class FileLock:
    """An advisory lock (flock) on a file that is never removed.

    Reentrant within a thread; exclusive between threads, between instances, and
    between processes, also those in different containers on one volume. The kernel
    releases it when the holder dies. The holder's pid and host are written into the
    file, for the sentence of `Busy` only.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self._what = what
        self._thread_lock = threading.RLock()
        self._depth = 0
        self._descriptor = -1

    @contextmanager
    def held(self, timeout: float = 10) -> Iterator[None]:
        """Holds the lock for the block.

        Waits up to `timeout` seconds for it (0: one try), then raises `Busy` naming
        the holder. The file's folder must exist; `StorageFault` when it cannot be written.
        """
        deadline = time.monotonic() + timeout
        if not self._thread_lock.acquire(timeout=max(0.0, timeout)):
            raise self._busy(f"another thread of this process (pid {os.getpid()})", timeout)
        try:
            if self._depth == 0:
                self._descriptor = self._acquire(deadline, timeout)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._release()
        finally:
            self._thread_lock.release()

    def _acquire(self, deadline: float, timeout: float) -> int:
        with storage_faults(self.path, "written"):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                while not _try_lock(descriptor):
                    if time.monotonic() >= deadline:
                        raise self._busy(_holder(descriptor), timeout)
                    # Random, so that many waiting processes do not come back in step.
                    time.sleep(random.uniform(0.001, 0.02))
                record = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
                os.pwrite(descriptor, json.dumps(record).encode().ljust(_RECORD), 0)
            except BaseException:
                os.close(descriptor)
                raise
            return descriptor

    def _release(self) -> None:
        try:
            os.pwrite(self._descriptor, b" " * _RECORD, 0)
        finally:
            # Explicit, since a forked child may still hold a copy of the descriptor.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = -1

    def _busy(self, holder: str, timeout: float) -> Busy:
        waited = f"waited {timeout:g} s for it; " if timeout else ""
        return Busy(f"The lock {self.path} ({self._what})", holder, f"{waited}let that process finish or stop it, then try again")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    try:
        record = json.loads(os.pread(descriptor, _RECORD, 0))
        return f"process {record['pid']} on {record['host']}"
    except (ValueError, KeyError, TypeError):
        # Read between the holder's locking and its writing.
        return "another process"
