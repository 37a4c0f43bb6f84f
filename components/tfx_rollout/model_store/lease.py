"""The lease on a root: which supervisor may write, also where several hosts share the root.

    <root>/.lease/7.json      the lease of fence 7: who holds it, and how often it was renewed

Who takes the lease over makes the file of the next fence, which the file system lets only one
do; so the fence grows with every change of holder, and the highest one is the holder. A holder
renews by writing its own file only: one that slept through a takeover cannot touch the new
lease, and finds the higher fence before its next write.

Time is judged by the own monotonic clock alone, so wall clocks may jump and differ between
hosts. An observer takes over what it has itself seen unrenewed for `ttl_s`; a holder stops
writing when its last renewal is `ttl_s` · 2/3 old, which is earlier whatever happens between.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_rollout.errors import LostLease
from tfx_rollout.model_store.control_file import make_folder, sync_folder
from tfx_rollout.model_store.faults import storage_faults

Guard = Callable[[], None]
"""Called before a write; raises `LostLease` when it must not happen."""

TTL_S = 15.0
_RECORD = 512
"""Bytes of a lease's file. Of one size, so that a renewal needs no space on a full disk."""


def unguarded() -> None:
    """The guard of those who write without a lease."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease. `token` is its own alone; `boot` names the running kernel, in which flock can be trusted."""

    host: str
    pid: int
    boot: str
    token: str

    @classmethod
    def this_process(cls) -> Holder:
        """A new holder in this process."""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return cls(socket.gethostname(), os.getpid(), boot, secrets.token_hex(8))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@dataclass(frozen=True)
class Seen:
    """What the folder says: the highest fence, its holder (None: given back, or torn by a crash) and its renewals."""

    fence: int = 0
    holder: Holder | None = None
    renewals: int = -1
    released: bool = False


class Lease:
    """One process's hold, or wish for a hold, on the lease in `folder`. Not for use by several threads at once."""

    def __init__(
        self,
        folder: Path,
        *,
        ttl_s: float = TTL_S,
        holder: Holder | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self.ttl_s = folder, ttl_s
        self.holder = holder or Holder.this_process()
        self._monotonic = monotonic
        self._fence: int | None = None
        self._renewals = 0
        self._renewed_at = 0.0
        self._watched: tuple[Seen, float] | None = None
        self.is_renewed = False
        """Whether the last change that `attempt` saw, between two looks, was another holder's sign of life."""

    @property
    def fence(self) -> int | None:
        """The fence under which this process holds the lease, as far as it knows; None when it does not."""
        return self._fence

    def attempt(self, *, alone_on_host: bool) -> bool:
        """Looks once, and takes the lease if it may be had; whether it is held now. Call it again and again.

        It may be had at once when nobody has it, when it was given back, and when it is this
        holder's own that ran out; when the holder ran on this very kernel and the caller knows
        (`alone_on_host`, by a lock that dies with its holder) that it runs no more; else after
        `ttl_s` without a renewal. Raises `StorageFault`.
        """
        now = self._monotonic()
        seen = self.look()
        if self._watched is None or self._watched[0] != seen:
            self.is_renewed = self._watched is not None and seen.holder is not None and not seen.released
            self._watched = (seen, now)
        was_here = seen.holder is not None and alone_on_host and seen.holder.boot == self.holder.boot
        is_mine = seen.holder is not None and seen.holder.token == self.holder.token
        if not (seen.fence == 0 or seen.released or is_mine or was_here or now - self._watched[1] >= self.ttl_s):
            return False
        return self._take(seen.fence + 1)

    def holder_elsewhere_lives(self, pause: Callable[[float], None] = time.sleep) -> bool:
        """Whether a holder on another host gives a sign of life, watched for up to `ttl_s`; takes nothing.

        Told at once where nobody holds it, or the holder is of this very kernel: of those a
        lock of a file tells. Raises `StorageFault`.
        """
        first, began = self.look(), self._monotonic()
        if first.holder is None or first.released or first.holder.boot == self.holder.boot:
            return False
        while self._monotonic() - began < self.ttl_s:
            pause(self.ttl_s / 30)
            now = self.look()
            if now != first:
                return now.holder is not None and not now.released
        return False

    @property
    def other_holder(self) -> Holder | None:
        """Who held it at the last `attempt`, if somebody else did."""
        seen = self._watched[0] if self._watched else Seen()
        return None if seen.released or seen.holder is None or seen.holder.token == self.holder.token else seen.holder

    def renew(self) -> None:
        """Keeps the lease, if a third of its time has passed. Raises `LostLease`, or `StorageFault` and then it still runs."""
        self.check()
        now = self._monotonic()
        if now - self._renewed_at < self.ttl_s / 3:
            return
        assert self._fence is not None
        self._overwrite(self._fence, self._renewals + 1, released=False)
        self._renewals += 1
        # From before the write on: an observer cannot have seen it earlier.
        self._renewed_at = now

    def check(self) -> None:
        """The guard of a write: raises `LostLease` unless this process holds the lease, `StorageFault` when it cannot tell."""
        if self._fence is None:
            raise self._lost(str(self.other_holder or "nobody"))
        if self._monotonic() - self._renewed_at >= self.ttl_s * 2 / 3:
            raise self._lost("nobody since it ran out")
        if self._highest() != self._fence:
            raise self._lost(str(self.look().holder or "another process"))

    def release(self) -> None:
        """Gives the lease back, so that the next one need not wait. Nothing happens when it is not held."""
        if self._fence is not None and self._highest() == self._fence:
            self._overwrite(self._fence, self._renewals, released=True)
        self._fence = None

    def _take(self, fence: int) -> bool:
        now = self._monotonic()
        make_folder(self.folder)
        path = self._path(fence)
        draft = self.folder / f".{self.holder.token}.draft"
        with storage_faults(path, "written"):
            draft.write_bytes(self._record(fence, 0, released=False))
            try:
                # A link is made whole or not at all, and by one alone, on network file systems too.
                os.link(draft, path)
            except FileExistsError:
                return False
            finally:
                draft.unlink(missing_ok=True)
            sync_folder(self.folder)
            for former in self._fences():
                if former < fence:
                    self._path(former).unlink(missing_ok=True)
        self._fence, self._renewals, self._renewed_at = fence, 0, now
        return True

    def _overwrite(self, fence: int, renewals: int, *, released: bool) -> None:
        path = self._path(fence)
        with storage_faults(path, "written"):
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.pwrite(descriptor, self._record(fence, renewals, released=released), 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _record(self, fence: int, renewals: int, *, released: bool) -> bytes:
        record = {"schema": 1, "fence": fence, "renewals": renewals, "released": released, **vars(self.holder)}
        return json.dumps(record).encode().ljust(_RECORD - 1) + b"\n"

    def look(self) -> Seen:
        """What the folder says now. Raises `StorageFault`."""
        fence = self._highest()
        if not fence:
            return Seen()
        try:
            with storage_faults(self._path(fence), "read"):
                data: dict[str, Any] = json.loads(self._path(fence).read_bytes())
            holder = Holder(data["host"], data["pid"], data["boot"], data["token"])
            return Seen(fence, holder, data["renewals"], data["released"])
        except (ValueError, KeyError, TypeError):
            # Torn by a crash of the machine: the fence is in the name, and time decides as for a holder that is silent.
            return Seen(fence)

    def _lost(self, holder: str) -> LostLease:
        self._fence = None
        return LostLease(str(self.folder.parent), holder)

    def _highest(self) -> int:
        return max(self._fences(), default=0)

    def _fences(self) -> list[int]:
        with storage_faults(self.folder, "read"):
            try:
                return [int(file.stem) for file in self.folder.iterdir() if file.suffix == ".json" and file.stem.isdecimal()]
            except FileNotFoundError:
                return []

    def _path(self, fence: int) -> Path:
        return self.folder / f"{fence}.json"
