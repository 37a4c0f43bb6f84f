"""Who was seen, and the requests that feedback may yet come about, on disk: the access log is gone long before a test ends.

    <folder>/seen.bin          a block for each closed window: its new users with their arms, and who failed for the first time
    <folder>/<number>.requests the requests in a window of users whose outcome is still open; removed when none of them is

A block is written before the window is recorded; one whose window was never recorded like that does not count. A torn last
block is removed by the next one. One process writes.
"""

from __future__ import annotations

import os
import secrets
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfx_rollout.errors import CorruptState
from tfx_rollout.evidence.cohorts import KEPT, Arrived, Kept
from tfx_rollout.evidence.seen_users import Arms, Users
from tfx_rollout.model_store import Guard, make_folder, storage_faults, unguarded
from tfx_rollout.model_store.control_file import sync_folder

_HEADER = struct.Struct("<4sQddQQ")
_MAGIC = b"seen"

Span = tuple[float, float]
"""Start and end of a window (epoch seconds)."""


@dataclass(frozen=True)
class Block:
    """What one window added to who was seen."""

    number: int
    span: Span
    users: Users
    arms: Arms
    failed: Users


class CohortStore:
    """The files of one test. `guard` is asked before each write."""

    def __init__(self, folder: Path, guard: Guard = unguarded) -> None:
        self._folder, self._guard = folder, guard
        self._seen = folder / "seen.bin"
        self._end: int | None = None
        """Where the last whole block ends, once that is known."""

    def blocks(self, recorded: Mapping[int, Span]) -> Iterator[Block]:
        """The blocks of the recorded windows, in their order, each once. Raises `CorruptState`."""
        given: set[int] = set()
        for block in self._whole_blocks():
            if recorded.get(block.number) == block.span and block.number not in given:
                given.add(block.number)
                yield block

    def append(self, number: int, span: Span, arrived: Arrived) -> None:
        """Keeps who came first in a window, durably. Raises `StorageFault`."""
        if self._end is None:
            for _ in self._whole_blocks():
                pass
        header = _HEADER.pack(_MAGIC, number, *span, arrived.users.size, arrived.failed.size)
        parts = (arrived.users.astype("<u8"), arrived.arms.astype("u1"), arrived.failed.astype("<u8"))
        content = header + b"".join(part.tobytes() for part in parts)
        self._guard()
        make_folder(self._folder)
        with storage_faults(self._seen, "written"):
            new = not self._seen.exists()
            with self._seen.open("ab") as file:
                file.truncate(self._end or 0)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if new:
                sync_folder(self._folder)
        self._end = (self._end or 0) + len(content)

    def write_requests(self, number: int, rows: Kept) -> None:
        """Keeps a window's requests of users whose outcome is open, durably. Raises `StorageFault`."""
        self._guard()
        make_folder(self._folder)
        path = self._requests(number)
        with storage_faults(path, "written"):
            for leftover in self._folder.glob("*.tmp"):
                leftover.unlink(missing_ok=True)
            temporary = path.with_name(f"{path.name}.{secrets.token_hex(6)}.tmp")
            with temporary.open("xb") as file:
                file.write(rows.tobytes())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(self._folder)

    def requests(self, number: int) -> Kept:
        """A window's kept requests; none where there is no such file."""
        path = self._requests(number)
        with storage_faults(path, "read"):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                content = b""
        if len(content) % KEPT.itemsize:
            raise CorruptState(str(path), "it does not have whole rows")
        return np.frombuffer(content, KEPT)

    def forget_requests(self, before: int) -> None:
        """Removes the requests of windows with lower numbers."""
        self._guard()
        with storage_faults(self._folder, "written"):
            for path in self._folder.glob("*.requests"):
                if int(path.stem) < before:
                    path.unlink(missing_ok=True)

    def _whole_blocks(self) -> Iterator[Block]:
        with storage_faults(self._seen, "read"):
            try:
                content = self._seen.read_bytes()
            except FileNotFoundError:
                content = b""
        at = 0
        while at + _HEADER.size <= len(content):
            magic, number, start, end, users, failed = _HEADER.unpack_from(content, at)
            if magic != _MAGIC:
                raise CorruptState(str(self._seen), f"there is no block at byte {at}")
            first = at + _HEADER.size
            whole = first + 9 * users + 8 * failed
            if whole > len(content):
                break
            yield Block(
                number,
                (start, end),
                np.frombuffer(content, "<u8", users, first).astype(np.uint64),
                np.frombuffer(content, "u1", users, first + 8 * users).astype(np.uint8),
                np.frombuffer(content, "<u8", failed, first + 9 * users).astype(np.uint64),
            )
            at = whole
        self._end = at

    def _requests(self, number: int) -> Path:
        return self._folder / f"{number:08d}.requests"
