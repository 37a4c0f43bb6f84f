"""The files of one model's A/B tests, read through the cache."""

from __future__ import annotations

from typing import Any

from tfx_rollout.control.documents import Experiment
from tfx_rollout.control.documents.json_form import json_form
from tfx_rollout.control.local.experiment_documents import experiment_document
from tfx_rollout.control.local.read_cache import ReadCache
from tfx_rollout.control.local.record_id import is_record_id
from tfx_rollout.errors import NotFound
from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.experiment.operations import read_experiment
from tfx_rollout.experiment.report import build_experiment_report
from tfx_rollout.experiment.state import ExperimentState
from tfx_rollout.model_store import BasePath

REPORTS = 8
"""How many reports are kept, since they may be large."""
_KINDS = ("state.json", "windows.jsonl", "outcomes.jsonl", "verdicts.jsonl", "orders.jsonl")


class ExperimentFiles:
    """Reads the files of a model's A/B tests; writes none. Raises `CorruptState` and `StorageFault`."""

    def __init__(self, base: BasePath, cache: ReadCache) -> None:
        self._base, self._cache = base, cache
        self._reports = ReadCache(most=REPORTS)
        self._ended: set[str] = set()
        """Tests that have ended, and so need no look any more to tell which one runs."""

    def ids(self) -> list[str]:
        """Ids of all tests, oldest first."""
        return ExperimentJournal.ids(self._base)

    def document(self, experiment: str) -> Experiment:
        """A test as it stands. Raises `NotFound`."""
        journal = self.journal(experiment)
        return self.document_of(journal, self.state(journal))

    def document_of(self, journal: ExperimentJournal, state: ExperimentState) -> Experiment:
        """A test in this state, with what was ordered of it."""
        plan = self._cache.get((journal.path, "plan"), (journal.path / "plan.json",), journal.plan)
        orders = self._cache.get((journal.path, "orders"), (journal.path / "orders.jsonl",), journal.orders)
        return experiment_document(plan, state, orders)

    def report(self, experiment: str) -> dict[str, Any]:
        """A test's report, with nothing in it that JSON does not have. Not to be changed. Raises `NotFound`."""
        journal = self.journal(experiment)
        files = tuple(journal.path / name for name in _KINDS)
        return self._reports.get(
            experiment, files, lambda: json_form(build_experiment_report(read_experiment(self._base, experiment)))
        )

    def running(self) -> str | None:
        """The id of the test that runs; None when all have ended."""
        for experiment in self.ids():
            if experiment in self._ended:
                continue
            if not self.state(ExperimentJournal(self._base, experiment)).finished:
                return experiment
            self._ended.add(experiment)
        return None

    def needed(self, experiment: str) -> frozenset[int]:
        """The versions that a test may still ask for. Raises `NotFound`."""
        return self.state(self.journal(experiment)).needed

    def journal(self, experiment: str) -> ExperimentJournal:
        """The journal of a test that is there. Raises `NotFound`."""
        journal = ExperimentJournal(self._base, experiment)
        if not is_record_id(experiment) or not (journal.path / "state.json").is_file():
            raise NotFound("A/B test", experiment, f"model {self._base.name!r}", self.ids()[-10:])
        return journal

    def state(self, journal: ExperimentJournal) -> ExperimentState:
        """A test's state."""
        return self._cache.get((journal.path, "state"), (journal.path / "state.json",), journal.state)
