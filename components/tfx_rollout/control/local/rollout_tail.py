"""What happens in a rollout, told as it is recorded: events, verdicts, and how it stands after them."""

from __future__ import annotations

from typing import Any

from tfx_rollout.control.documents.json_form import json_form
from tfx_rollout.control.local.record_files import RecordFiles
from tfx_rollout.control.local.record_tail import CommittedLines, Line, RecordTail
from tfx_rollout.journal import RecordJournal
from tfx_rollout.rollout.state import RolloutState


class RolloutTail(RecordTail[RolloutState]):
    """Follows the record of one rollout, with its verdicts; see `Control.follow_rollout`."""

    def __init__(self, files: RecordFiles[Any, RolloutState, Any, Any], journal: RecordJournal[Any, RolloutState, Any]) -> None:
        super().__init__(files, journal)
        self._windows = CommittedLines(journal.path / "windows.jsonl")
        self._verdicts = CommittedLines(journal.path / "verdicts.jsonl", number="window")

    def _committed(self, state: RolloutState) -> list[Line]:
        lines = super()._committed(state)
        verdicts = {line["window"]: line["verdict"] for line in self._verdicts.read(state.windows)}
        for window in self._windows.read(state.windows):
            # A window that was left without a verdict is judged by the next controller, before anything else.
            if window["number"] in verdicts:
                verdict = verdicts[window["number"]]
                lines.append({"type": "verdict", "window": json_form(window), "verdict": json_form(verdict)})
        return sorted(lines, key=_place)


def _place(line: Line) -> tuple[int, int]:
    """Verdicts in the order of their windows, and each event after the verdict that it followed from."""
    return (line["window"]["number"], 0) if line["type"] == "verdict" else (line["window"], line["number"])
