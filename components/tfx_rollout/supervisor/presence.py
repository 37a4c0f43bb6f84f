"""One supervisor per root, and how others find it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_rollout.errors import Busy, CorruptState
from tfx_rollout.model_store import Lease, ModelStore
from tfx_rollout.model_store.control_file import read_json, write_json
from tfx_rollout.model_store.faults import storage_faults

SCHEMA = 1
INFO_FILE = "supervisor.json"
LOCK_FILE = "supervisor.lock"
LOOK_S = 0.1
"""Far longer than `may_run` holds the lock to find out whether somebody else does."""


@dataclass(frozen=True)
class SupervisorInfo:
    """Who serves a root: process, address for clients (`host:port`), address of the gateway's own interface, start."""

    pid: int
    gateway_address: str
    admin_address: str
    started: float
    api_address: str | None = None
    """`host:port` of the HTTP API (or `[host]:port`); None while it has none."""

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "pid": self.pid,
            "gateway_address": self.gateway_address,
            "admin_address": self.admin_address,
            "started": self.started,
            **({} if self.api_address is None else {"api_address": self.api_address}),
        }


@contextmanager
def presence(root: Path) -> Iterator[bool]:
    """Holds the root for this process; `Busy` when another supervisor on this host serves it.

    The kernel gives the lock back when the process dies, however it dies. False where the
    file system knows no such lock: then only the lease tells whether another one serves it.
    """
    path = root / LOCK_FILE
    with storage_faults(path, "written"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            _take(descriptor)
            alone = True
        except BlockingIOError:
            info = _read_info(root)
            holder = f"the supervisor with pid {info.pid} at {info.gateway_address}" if info else "another supervisor"
            raise Busy(f"The root {root}", holder, "use that one, or stop it first") from None
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> None:
    """Takes the lock. `BlockingIOError` when it is held for longer than those who only look hold it."""
    deadline = time.monotonic() + LOOK_S
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(LOOK_S / 10)


def announce(root: Path, info: SupervisorInfo) -> None:
    """Writes down who serves the root, for `running_supervisor`."""
    write_json(root / INFO_FILE, info.to_json())


def withdraw(root: Path, info: SupervisorInfo | None = None) -> None:
    """Removes what was written down: only this `info`, when one is given, or else whatever is there."""
    with storage_faults(root / INFO_FILE, "removed"):
        if info is None or _read_info(root) == info:
            (root / INFO_FILE).unlink(missing_ok=True)


def running_supervisor(root: Path) -> SupervisorInfo | None:
    """The supervisor that serves this root now, if one does."""
    return _read_info(root) if may_run(root) else None


def may_run(root: Path) -> bool:
    """Whether the supervisor that was announced last may run, as far as its lock tells on this host."""
    try:
        descriptor = os.open(root / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        # Held; or a file system without such locks, where what was announced is all that can be known.
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def announced(root: Path) -> SupervisorInfo | None:
    """Who last wrote down that it serves the root, and did not withdraw it; it may be dead, or on another host."""
    return _read_info(root)


def is_served(store: ModelStore) -> bool:
    """Whether a supervisor serves the root, on this host or on another one.

    Where the file system keeps locks to each host, that of another one is known by its
    lease alone, which takes some seconds to be seen alive. Raises `StorageFault`.
    """
    return running_supervisor(store.root) is not None or Lease(store.lease_dir).holder_elsewhere_lives()


def _read_info(root: Path) -> SupervisorInfo | None:
    data = read_json(root / INFO_FILE)
    if data is None:
        return None
    try:
        return SupervisorInfo(
            data["pid"], data["gateway_address"], data["admin_address"], data["started"], data.get("api_address")
        )
    except KeyError as error:
        raise CorruptState(str(root / INFO_FILE), f"it has no {error}") from error
