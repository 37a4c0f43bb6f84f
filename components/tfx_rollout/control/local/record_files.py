"""The records of a model's rollouts, or of its A/B tests, read through the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from tfx_rollout.control.documents.json_form import json_form
from tfx_rollout.control.local.read_cache import ReadCache
from tfx_rollout.control.local.record_id import is_record_id
from tfx_rollout.errors import NotFound
from tfx_rollout.journal import RecordJournal, Unfinished
from tfx_rollout.journal.record import OrderT, PlanT, StateT
from tfx_rollout.model_store import BasePath, storage_faults

DocumentT = TypeVar("DocumentT", bound=BaseModel)

REPORTS = 8
"""How many reports are kept, since they may be large."""
_REPORTED = ("state.json", "windows.jsonl", "outcomes.jsonl", "verdicts.jsonl", "orders.jsonl")
"""What a report is made of and may change, as far as it is there."""


class RecordFiles(Generic[PlanT, StateT, OrderT, DocumentT]):
    """Reads the records of one kind; writes none. Raises `CorruptState` and `StorageFault`.

    `document` tells one of them as it stands, `report` all that is recorded of it, by its id.
    """

    def __init__(
        self,
        kind: type[RecordJournal[PlanT, StateT, OrderT]],
        base: BasePath,
        cache: ReadCache,
        *,
        document: Callable[[PlanT, StateT, Sequence[OrderT]], DocumentT],
        report: Callable[[str], Mapping[str, Any]],
    ) -> None:
        self._kind, self._base, self._cache = kind, base, cache
        self._document, self._report = document, report
        self._reports = ReadCache(most=REPORTS)
        self.unfinished = Unfinished(self.ids, lambda id: self.state(kind(base, id)))
        """Those that have not ended."""

    def ids(self) -> list[str]:
        """Ids of all of them, oldest first."""
        folder = self._kind.folder_of(self._base)
        with storage_faults(folder, "read"):
            try:
                names = sorted(entry.name for entry in folder.iterdir())
            except FileNotFoundError:
                return []
        return [name for name in names if name in self.unfinished.outcomes or self._kind(self._base, name).exists()]

    def journal(self, id: str) -> RecordJournal[PlanT, StateT, OrderT]:
        """The journal of one that is there. Raises `NotFound`."""
        journal = self._kind(self._base, id)
        if not is_record_id(id) or not journal.exists():
            raise NotFound(journal.noun, id, f"model {self._base.name!r}", self.ids()[-10:])
        return journal

    def state(self, journal: RecordJournal[PlanT, StateT, OrderT]) -> StateT:
        """The state of one that is there."""
        return self._cache.get((journal.path, "state"), (journal.path / "state.json",), journal.state)

    def document(self, id: str) -> DocumentT:
        """One as it stands. Raises `NotFound`."""
        journal = self.journal(id)
        return self.document_of(journal, self.state(journal))

    def document_of(self, journal: RecordJournal[PlanT, StateT, OrderT], state: StateT) -> DocumentT:
        """One in this state, with what was ordered of it."""
        plan = self._cache.get((journal.path, "plan"), (journal.path / "plan.json",), journal.plan)
        orders = self._cache.get((journal.path, "orders"), (journal.path / "orders.jsonl",), journal.orders)
        return self._document(plan, state, orders)

    def report(self, id: str) -> dict[str, Any]:
        """Everything about one, with nothing in it that JSON does not have. Not to be changed. Raises `NotFound`."""
        journal = self.journal(id)
        files = tuple(journal.path / name for name in _REPORTED)
        return self._reports.get(id, files, lambda: json_form(self._report(id)))
