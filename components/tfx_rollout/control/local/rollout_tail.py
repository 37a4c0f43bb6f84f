"""What happens in a rollout, told as it is recorded: events, verdicts, and how it stands after them."""

from __future__ import annotations

from typing import Any

from tfx_rollout.control.documents import Rollout
from tfx_rollout.control.documents.json_form import json_form
from tfx_rollout.control.local.line_file import LineFile
from tfx_rollout.control.local.model_files import ModelFiles
from tfx_rollout.control.local.rollout_documents import rollout_document
from tfx_rollout.rollout.journal import Journal

Line = dict[str, Any]


class RolloutTail:
    """Follows the record of one rollout. Each look costs what is new, however long the record is.

    Lines of a state that was never written (its controller died) are written anew by the next
    controller; so only what the state counts is told, and of two lines with one number the later one.
    """

    def __init__(self, files: ModelFiles, journal: Journal) -> None:
        self._files, self._journal = files, journal
        self._events = LineFile(journal.path / "events.jsonl")
        self._windows = LineFile(journal.path / "windows.jsonl")
        self._verdicts = LineFile(journal.path / "verdicts.jsonl")
        self._untold_events: dict[int, Line] = {}
        self._untold_windows: dict[int, Line] = {}
        self._untold_verdicts: dict[int, Line] = {}
        self._told: Rollout | None = None
        self.ended = False
        """Whether the rollout has ended, and everything was told."""

    def read(self) -> list[Line]:
        """What is new since the last call, in its order; see `Control.follow_rollout`. Raises `CorruptState`, `StorageFault`."""
        # The state is read first: whatever it counts is in the other files already.
        state = self._files.rollout(self._journal)
        rollout = rollout_document(self._files.plan(self._journal), state, self._files.orders(self._journal))
        if self.ended or rollout == self._told:
            return []
        self._told = rollout
        lines = sorted(self._committed(state.events, state.windows), key=_place)
        lines.append({"type": "state", **rollout.model_dump(mode="json")})
        if state.finished:
            lines.append({"type": "report", **self._files.report(self._journal)})
            self.ended = True
        return lines

    def _committed(self, events: int, windows: int) -> list[Line]:
        self._untold_events.update((line["number"], line) for line in self._events.read())
        self._untold_windows.update((line["number"], line) for line in self._windows.read())
        self._untold_verdicts.update((line["window"], line["verdict"]) for line in self._verdicts.read())
        lines = [{"type": "event", **json_form(line)} for line in _taken(self._untold_events, events)]
        # A window that was left without a verdict is judged by the next controller, before anything else.
        judged = {line["number"]: line for line in _taken(self._untold_windows, windows)}
        verdicts = {number: self._untold_verdicts.pop(number) for number in sorted(self._untold_verdicts) if number <= windows}
        for number, window in judged.items():
            if number in verdicts:
                lines.append({"type": "verdict", "window": json_form(window), "verdict": json_form(verdicts[number])})
        return lines


def _taken(untold: dict[int, Line], most: int) -> list[Line]:
    """The lines up to this number, taken out in their order."""
    return [untold.pop(number) for number in sorted(untold) if number <= most]


def _place(line: Line) -> tuple[int, int]:
    """Verdicts in the order of their windows, and each event after the verdict that it followed from."""
    return (line["window"]["number"], 0) if line["type"] == "verdict" else (line["window"], line["number"])
