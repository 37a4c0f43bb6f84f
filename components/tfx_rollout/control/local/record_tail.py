"""What happens in a rollout or an A/B test, told as it is recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic

from pydantic import BaseModel

from tfx_rollout.control.documents.json_form import json_form
from tfx_rollout.control.local.line_file import LineFile
from tfx_rollout.control.local.record_files import RecordFiles
from tfx_rollout.journal import RecordJournal
from tfx_rollout.journal.record import StateT

Line = dict[str, Any]

POLL_S = 0.25
"""Seconds between two looks at what is followed."""


class RecordTail(Generic[StateT]):
    """Follows one record: its events, and how it stands after them. Each look costs what is new, however long the record is.

    Lines of a state that was never written (its controller died) are written anew by the next
    controller; so only what the state counts is told, and of two lines with one number the later one.
    """

    def __init__(self, files: RecordFiles[Any, StateT, Any, Any], journal: RecordJournal[Any, StateT, Any]) -> None:
        self._files, self._journal = files, journal
        self._events = CommittedLines(journal.path / "events.jsonl")
        self._told: BaseModel | None = None
        self.ended = False
        """Whether it has ended, and everything was told."""

    def read(self) -> list[Line]:
        """What is new since the last call, in its order. Raises `CorruptState`, `StorageFault`."""
        if self.ended:
            return []
        # The state is read first: whatever it counts is in the other files already.
        state = self._files.state(self._journal)
        document = self._files.document_of(self._journal, state)
        if document == self._told:
            return []
        self._told = document
        lines = [*self._committed(state), {"type": "state", **document.model_dump(mode="json")}]
        if state.finished:
            lines.append({"type": "report", **self._files.report(self._journal.id)})
            self.ended = True
        return lines

    def follow(self) -> Iterator[Line]:
        """All of it to its end; blocks for the next line."""
        while True:
            yield from self.read()
            if self.ended:
                return
            time.sleep(POLL_S)

    def _committed(self, state: StateT) -> list[Line]:
        """The lines that this state counts and no state before it did."""
        return [{"type": "event", **json_form(line)} for line in self._events.read(state.events)]


class CommittedLines:
    """A file of numbered lines, told once a state counts them; of two lines with one number the later one."""

    def __init__(self, path: Path, *, number: str = "number") -> None:
        self._file, self._number = LineFile(path), number
        self._untold: dict[int, Line] = {}

    def read(self, most: int) -> list[Line]:
        """The lines up to this number that were not told yet, in their order. Raises `CorruptState`, `StorageFault`."""
        self._untold.update((line[self._number], line) for line in self._file.read())
        return [self._untold.pop(number) for number in sorted(self._untold) if number <= most]
