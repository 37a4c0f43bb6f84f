"""One model's files, read through the cache: what the documents about it are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx_rollout.control.documents.json_form import json_form
from tfx_rollout.control.local.experiment_files import ExperimentFiles
from tfx_rollout.control.local.read_cache import ReadCache
from tfx_rollout.control.local.record_id import is_record_id
from tfx_rollout.errors import NotFound
from tfx_rollout.model_store import BasePath, Manifest, storage_faults
from tfx_rollout.model_store.layout import Layout
from tfx_rollout.model_store.manifest import read_manifest
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.rollout.operations import read_rollout
from tfx_rollout.rollout.orders import Order
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.report import build_report
from tfx_rollout.rollout.state import Phase, RolloutState
from tfx_rollout.traffic import DesiredState, ObservedState

REPORTS = 8
"""How many reports are kept, since they may be large."""


class ModelFiles:
    """Reads the files of one model; writes none. Raises `CorruptState` and `StorageFault`."""

    def __init__(self, base: BasePath, cache: ReadCache) -> None:
        self.base = base
        self._cache = cache
        self.experiments = ExperimentFiles(base, cache)
        self._reports = ReadCache(most=REPORTS)
        self._layout = Layout(base.path)
        self._ended: set[str] = set()
        """Rollouts that have ended, and so need no look any more to tell which one runs."""

    def desired(self) -> DesiredState:
        """What should be."""
        return self._get("desired", self.base.desired, self._layout.desired)

    def observed(self) -> ObservedState | None:
        """What the supervisor last saw, whether or not it still serves."""
        return self._get("observed", self.base.observed, self._layout.observed)

    def history(self) -> list[dict[str, Any]]:
        """See `BasePath.history`."""
        return self._get("history", self.base.history, self._layout.history, self._layout.desired)

    def versions(self) -> dict[int, Path]:
        """The versions that are there with their folders, oldest first."""
        return self._layout.versions()

    def manifest(self, version: int) -> Manifest | None:
        """The manifest of a version that is there; None where it has none yet."""
        path = self._layout.manifest(version)
        return self._get(("manifest", version), lambda: read_manifest(path), path)

    # Rollouts

    def rollout_ids(self) -> list[str]:
        """Ids of all rollouts, oldest first."""
        folder = self.base.control / "rollouts"
        with storage_faults(folder, "read"):
            try:
                names = sorted(entry.name for entry in folder.iterdir())
            except FileNotFoundError:
                return []
        return [name for name in names if name in self._ended or (folder / name / "state.json").is_file()]

    def journal(self, rollout: str) -> Journal:
        """The journal of a rollout that is there. Raises `NotFound`."""
        journal = Journal(self.base, rollout)
        if not is_record_id(rollout) or not journal.exists():
            raise NotFound("rollout", rollout, f"model {self.base.name!r}", self.rollout_ids()[-10:])
        return journal

    def rollout(self, journal: Journal) -> RolloutState:
        """A rollout's state."""
        return self._get(("state", journal.id), journal.state, journal.path / "state.json")

    def plan(self, journal: Journal) -> Plan:
        """A rollout's plan."""
        return self._get(("plan", journal.id), journal.plan, journal.path / "plan.json")

    def orders(self, journal: Journal) -> list[Order]:
        """What was ordered of a rollout."""
        return self._get(("orders", journal.id), journal.orders, journal.path / "orders.jsonl")

    def report(self, journal: Journal) -> dict[str, Any]:
        """A rollout's report (`rollout.report`), with nothing in it that JSON does not have. Not to be changed."""
        files = tuple(journal.path / name for name in ("state.json", "windows.jsonl", "verdicts.jsonl", "orders.jsonl"))
        key = (self.base.name, journal.id)
        return self._reports.get(key, files, lambda: json_form(build_report(read_rollout(self.base, journal.id))))

    def unfinished(self) -> list[RolloutState]:
        """The rollouts that have not ended, oldest first."""
        states = []
        for rollout in self.rollout_ids():
            if rollout in self._ended:
                continue
            state = self.rollout(Journal(self.base, rollout))
            if state.finished:
                self._ended.add(rollout)
            else:
                states.append(state)
        return states

    def running(self) -> RolloutState | None:
        """The rollout that runs, or else waits to."""
        unfinished = self.unfinished()
        return next((state for state in unfinished if state.phase is not Phase.QUEUED), next(iter(unfinished), None))

    def needing(self, version: int) -> str | None:
        """In words, the rollout or A/B test that has not ended and may still ask for this version; None where none may."""
        for state in self.unfinished():
            if version in state.needed:
                return f"rollout {state.id}"
        experiment = self.experiments.running()
        needed = frozenset() if experiment is None else self.experiments.needed(experiment)
        return f"the A/B test {experiment}" if version in needed else None

    def _get(self, what: object, read: Any, *files: Path) -> Any:
        return self._cache.get((self.base.name, what), files, read)
