"""The servers of a root that outlive their supervisor: each has a record by which the next supervisor finds it.

    <folder>/<role>.json    pid and start of the process, on which boot, and what was told at its launch

The record is written right after the start. What was started and not recorded (the supervisor
was killed between the two) is known by a token in its environment. A server that is to be
ended loses its record first, so that what a killed supervisor was about to end is ended.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tfx_rollout.errors import CorruptState, StorageFault
from tfx_rollout.model_store.control_file import make_folder, read_json, remove_file, write_json
from tfx_rollout.serving.launcher import start_in_own_session
from tfx_rollout.serving.server_process import ServerProcess, start_ticks_of

log = logging.getLogger("tfx_rollout.supervisor")

SCHEMA = 1
TOKEN_VARIABLE = "TFX_ROLLOUT_PROCESS"
"""Environment variable of every server that outlives its supervisor: whose it is, and its role."""
STRAY_GRACE_S = 5.0
"""What a server without a record gets to end by itself. Nobody uses it."""


@dataclass(frozen=True)
class ProcessRecord:
    """One server: its role among those of the root, its identity, and what was told at its launch."""

    role: str
    pid: int
    start_ticks: int
    boot: str
    started: float
    """Seconds since the epoch, for people."""
    facts: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **vars(self), "facts": dict(self.facts)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ProcessRecord:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']} is not the known schema {SCHEMA}")
        return cls(data["role"], data["pid"], data["start_ticks"], data["boot"], data["started"], data["facts"])


@dataclass(frozen=True)
class Survivor:
    """A server that ran when its supervisor died. `process` is None when it has died since."""

    record: ProcessRecord
    process: ServerProcess | None


class ProcessFolder:
    """`Launcher` of servers that outlive this process, and what is left of those of an earlier one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def launch(
        self, role: str, command: Sequence[str], *, output: BinaryIO, environment: Mapping[str, str], facts: Mapping[str, Any]
    ) -> ServerProcess:
        """See `Launcher`."""
        make_folder(self.path)
        child = start_in_own_session(command, output, {**environment, TOKEN_VARIABLE: self._token() + role})
        process = ServerProcess.started(child)
        record = ProcessRecord(role, process.pid, process.start_ticks, _boot(), time.time(), facts)
        try:
            write_json(self._file(role), record.to_json())
        except StorageFault as fault:
            # Serving comes first; the next supervisor will end it by its token and start another.
            log.warning("%s runs without a record: %s", role, fault)
        return process

    def forget(self, role: str) -> None:
        """See `Launcher`."""
        if self.path.exists():
            remove_file(self._file(role))

    def recover(self) -> dict[str, Survivor]:
        """By role what is left of an earlier supervisor; ends those of its servers that have no record.

        Call it once, before the first launch, and only as the one supervisor of this host.
        """
        survivors = {
            record.role: Survivor(record, ServerProcess.found(record.pid, record.start_ticks)) for record in self._records()
        }
        living = {survivor.process.pid for survivor in survivors.values() if survivor.process is not None}
        strays = list(self._strays(living))
        for stray in strays:
            log.warning("process %d was started by a supervisor that died before it wrote that down; it is ended", stray.pid)
        end_all(strays, STRAY_GRACE_S)
        return survivors

    def _records(self) -> Iterator[ProcessRecord]:
        for file in sorted(self.path.glob("*.json")) if self.path.exists() else ():
            try:
                record = ProcessRecord.from_json(read_json(file) or {})
            except (CorruptState, KeyError, TypeError, ValueError) as error:
                log.warning(
                    "%s is no record of a process (%r) and is removed; its process, if there is one, is ended", file, error
                )
                remove_file(file)
                continue
            if record.boot == _boot():
                yield record
            else:
                remove_file(file)

    def _strays(self, living: Collection[int]) -> Iterator[ServerProcess]:
        """Processes with this folder's token that belong to no recorded one (each leads its own session)."""
        if not self.path.exists():
            return
        token = f"{TOKEN_VARIABLE}={self._token()}".encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            pid = int(entry.name)
            try:
                marked = any(variable.startswith(token) for variable in (entry / "environ").read_bytes().split(b"\0"))
                session = os.getsid(pid)
            except OSError:
                continue  # another user's, or gone
            if not marked or session in living or session == os.getsid(0):
                continue
            ticks = start_ticks_of(pid)
            stray = None if ticks is None else ServerProcess.found(pid, ticks)
            if stray is not None:
                yield stray

    def _token(self) -> str:
        """Whose a process is: the folder itself, whatever it is called and wherever it is copied to."""
        found = self.path.stat()
        return f"{found.st_dev}:{found.st_ino}:"

    def _file(self, role: str) -> Path:
        return self.path / f"{role}.json"


def end_all(processes: Collection[ServerProcess], grace_s: float) -> None:
    """Ends these processes: SIGTERM, and SIGKILL after `grace_s` seconds together. Returns when they have ended."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + grace_s
    for process in processes:
        if not process.wait(max(0.0, deadline - time.monotonic())):
            process.kill()
            process.wait()


def _boot() -> str:
    """In which world a pid means what it means: this boot of the kernel, and this namespace of pids (a container's)."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"
