"""The audit trail: every change that was asked for, by whom, and what came of it. Never a secret.

It is told after the change was made or refused. The changes themselves carry who made them
and why (`desired.json`, the journals), so that one whose process was killed before its entry
is known all the same. The trail is bounded: a full file makes way, the oldest one goes.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tfx_rollout.audit.entry import AuditEntry, AuditPage
from tfx_rollout.audit.outcome import DONE, status_of
from tfx_rollout.errors import CorruptState, RolloutError
from tfx_rollout.model_store import FileLock, append_line, make_folder, storage_faults

log = logging.getLogger("tfx_rollout.audit")

FILE_BYTES = 2 * 1024 * 1024
FILES = 8
"""How many files are kept, the one that grows among them."""
SECRET_PREFIX = "tfxr_"
"""How the secret of every token begins."""
_SECRET = re.compile(rf"{SECRET_PREFIX}[A-Za-z0-9_-]{{20,}}")
MOST_CHARACTERS = 1000
"""Of an action or what came of it."""


class AuditLog:
    """The trail in a folder. Any number of processes may write and read it at once."""

    def __init__(self, folder: Path, *, file_bytes: int = FILE_BYTES, files: int = FILES, now: Callable[[], float] = time.time):
        self._folder, self._file_bytes, self._files, self._now = folder, file_bytes, files, now
        self._lock = FileLock(folder / "lock", "tokens and the audit trail")

    def record(
        self, by: str, role: str, action: str, model: str | None, status: int, detail: str, facts: Mapping[str, Any] | None = None
    ) -> None:
        """Adds an entry. Raises `StorageFault` and `Busy`."""
        entry = AuditEntry(
            at=self._now(),
            by=_short(by),
            role=role,
            action=_short(action),
            model=None if model is None else _short(model),
            status=status,
            detail=_short(detail),
            facts={
                name: _short(value) if isinstance(value, str) else value
                for name, value in (facts or {}).items()
                if value is not None
            },
        )
        make_folder(self._folder)
        with self._lock.held():
            self._make_way()
            append_line(self._file(0), entry.to_json())

    @contextmanager
    def recorded(
        self,
        by: str,
        role: str,
        action: str,
        model: str | None,
        facts: Mapping[str, Any],
        *,
        where: Callable[[], bool] = lambda: True,
    ) -> Iterator[Callable[[str], None]]:
        """Records what comes of the block: what it says by the function that it is given, or its error, which is raised on.

        `where` is asked afterwards whether there is anything to record it of. A trail that cannot be written undoes
        no change: that is said to the log.
        """
        said = "done"

        def say(detail: str) -> None:
            nonlocal said
            said = detail

        try:
            yield say
        except Exception as error:
            detail = str(error) if isinstance(error, RolloutError) else f"an error of this program ({type(error).__name__})"
            if where():
                self.record_or_log(by, role, action, model, status_of(error), detail, facts)
            raise
        if where():
            self.record_or_log(by, role, action, model, DONE, said, facts)

    def record_or_log(
        self, by: str, role: str, action: str, model: str | None, status: int, detail: str, facts: Mapping[str, Any] | None = None
    ) -> None:
        """Adds an entry, or says to the log why it could not."""
        try:
            self.record(by, role, action, model, status, detail, facts)
        except RolloutError as error:
            # Quoted: an action may be what a stranger sent, with line ends and what moves a terminal.
            log.error("not in the audit trail: %s asked to %r (status %d): %s", by, action, status, error)

    def read(self, *, limit: int = 100, offset: int = 0) -> AuditPage:
        """Entries, newest first. Raises `StorageFault` and `CorruptState`."""
        lines: list[bytes] = []
        total = 0
        with self._shared():
            for number in range(self._files):
                content = self._content(self._file(number))
                count = content.count(b"\n")
                if count and total < offset + limit and total + count > offset:
                    newest_first = content[: content.rfind(b"\n")].split(b"\n")[::-1]
                    lines += newest_first[max(0, offset - total) : offset + limit - total]
                total += count
        return AuditPage(entries=[self._parsed(line) for line in lines], total=total)

    def _make_way(self) -> None:
        """Lets the files move on by one when the one that grows is full. To be called under the lock."""
        with storage_faults(self._folder, "written"):
            try:
                if self._file(0).stat().st_size < self._file_bytes:
                    return
            except FileNotFoundError:
                return
            for number in reversed(range(self._files - 1)):
                if self._file(number).exists():
                    self._file(number).replace(self._file(number + 1))

    @contextmanager
    def _shared(self) -> Iterator[None]:
        """The lock where there is one, so that no file moves on while the trail is read."""
        if not self._folder.is_dir():
            yield
            return
        with self._lock.held():
            yield

    def _file(self, number: int) -> Path:
        return self._folder / ("audit.jsonl" if number == 0 else f"audit.{number}.jsonl")

    def _content(self, path: Path) -> bytes:
        with storage_faults(path, "read"):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return b""

    def _parsed(self, line: bytes) -> AuditEntry:
        try:
            return AuditEntry.from_json(json.loads(line))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise CorruptState(
                str(self._folder), f"an entry of the audit trail is not what this program wrote: {error}"
            ) from error


def _short(text: str) -> str:
    """The text, as long as it fits: what strangers send must not fill the trail, nor keep it from being read.

    Without secrets, which people put where a name belongs.
    """
    text = _SECRET.sub(f"{SECRET_PREFIX}…", text.encode("utf-8", "backslashreplace").decode())
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
