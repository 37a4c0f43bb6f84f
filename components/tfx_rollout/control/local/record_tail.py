"""What happens in a rollout or an A/B test, told as it is recorded."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from tfx_rollout.control.local.line_file import LineFile

Line = dict[str, Any]

POLL_S = 0.25
"""Seconds between two looks at what is followed."""


class _Standing(Protocol):
    @property
    def finished(self) -> bool: ...


S = TypeVar("S", bound=_Standing)


class RecordTail(ABC, Generic[S]):
    """Follows one record. Each look costs what is new, however long the record is.

    Lines of a state that was never written (its controller died) are written anew by the next
    controller; so only what the state counts is told, and of two lines with one number the later one.
    """

    def __init__(self) -> None:
        self._told: BaseModel | None = None
        self.ended = False
        """Whether it has ended, and everything was told."""

    def read(self) -> list[Line]:
        """What is new since the last call, in its order. Raises `CorruptState`, `StorageFault`."""
        if self.ended:
            return []
        # The state is read first: whatever it counts is in the other files already.
        state = self._state()
        document = self._document(state)
        if document == self._told:
            return []
        self._told = document
        lines = [*self._committed(state), {"type": "state", **document.model_dump(mode="json")}]
        if state.finished:
            lines.append({"type": "report", **self._report()})
            self.ended = True
        return lines

    def follow(self) -> Iterator[Line]:
        """All of it to its end; blocks for the next line."""
        while True:
            yield from self.read()
            if self.ended:
                return
            time.sleep(POLL_S)

    @abstractmethod
    def _state(self) -> S: ...

    @abstractmethod
    def _document(self, state: S) -> BaseModel: ...

    @abstractmethod
    def _committed(self, state: S) -> list[Line]:
        """The lines that this state counts and no state before it did."""

    @abstractmethod
    def _report(self) -> dict[str, Any]: ...


class CommittedLines:
    """A file of numbered lines, told once a state counts them; of two lines with one number the later one."""

    def __init__(self, path: Path, *, number: str = "number") -> None:
        self._file, self._number = LineFile(path), number
        self._untold: dict[int, Line] = {}

    def read(self, most: int) -> list[Line]:
        """The lines up to this number that were not told yet, in their order. Raises `CorruptState`, `StorageFault`."""
        self._untold.update((line[self._number], line) for line in self._file.read())
        return [self._untold.pop(number) for number in sorted(self._untold) if number <= most]
