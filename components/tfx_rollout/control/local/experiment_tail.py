"""What happens in an A/B test, told as it is recorded: its events, and how it stands after them and after each verdict."""

from __future__ import annotations

from typing import Any

from tfx_rollout.control.documents import Experiment
from tfx_rollout.control.documents.json_form import json_form
from tfx_rollout.control.local.experiment_files import ExperimentFiles
from tfx_rollout.control.local.record_tail import CommittedLines, Line, RecordTail
from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.experiment.state import ExperimentState


class ExperimentTail(RecordTail[ExperimentState]):
    """Follows the record of one A/B test; see `Control.follow_experiment`.

    Verdicts are no lines of their own: a test of weeks has tens of thousands, and the newest has in it all that the ones
    before had.
    """

    def __init__(self, files: ExperimentFiles, journal: ExperimentJournal) -> None:
        super().__init__()
        self._files, self._journal = files, journal
        self._events = CommittedLines(journal.path / "events.jsonl")

    def _state(self) -> ExperimentState:
        return self._files.state(self._journal)

    def _document(self, state: ExperimentState) -> Experiment:
        return self._files.document_of(self._journal, state)

    def _committed(self, state: ExperimentState) -> list[Line]:
        return [{"type": "event", **json_form(line)} for line in self._events.read(state.events)]

    def _report(self) -> dict[str, Any]:
        return self._files.report(self._journal.id)
