"""One model's files, read through the cache: what the documents about it are made of."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

from tfx_rollout.control.documents import Experiment, Rollout
from tfx_rollout.control.local.experiment_documents import experiment_document
from tfx_rollout.control.local.read_cache import ReadCache
from tfx_rollout.control.local.record_files import RecordFiles
from tfx_rollout.control.local.rollout_documents import rollout_document
from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.experiment.operations import read_experiment
from tfx_rollout.experiment.orders import ExperimentOrder
from tfx_rollout.experiment.plan import ExperimentPlan
from tfx_rollout.experiment.report import build_experiment_report
from tfx_rollout.experiment.state import ExperimentState
from tfx_rollout.model_store import BasePath, Manifest
from tfx_rollout.model_store.layout import Layout
from tfx_rollout.model_store.manifest import read_manifest
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.rollout.one_at_a_time import current_rollout
from tfx_rollout.rollout.operations import read_rollout
from tfx_rollout.rollout.orders import Order
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.report import build_report
from tfx_rollout.rollout.state import RolloutState
from tfx_rollout.traffic import DesiredState, ObservedState


class ModelFiles:
    """Reads the files of one model; writes none. Raises `CorruptState` and `StorageFault`."""

    def __init__(self, base: BasePath, cache: ReadCache) -> None:
        self.base = base
        self._cache = cache
        self._layout = Layout(base.path)
        self.rollouts: RecordFiles[Plan, RolloutState, Order, Rollout] = RecordFiles(
            Journal,
            base,
            cache,
            document=rollout_document,
            report=lambda rollout: build_report(read_rollout(base, rollout)),
        )
        self.experiments: RecordFiles[ExperimentPlan, ExperimentState, ExperimentOrder, Experiment] = RecordFiles(
            ExperimentJournal,
            base,
            cache,
            document=experiment_document,
            report=lambda experiment: build_experiment_report(read_experiment(base, experiment)),
        )

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

    # What runs

    def running_rollout(self) -> RolloutState | None:
        """The rollout that runs, or else waits to; None when all have ended."""
        return current_rollout(self.rollouts.unfinished)

    def running_experiment(self) -> ExperimentState | None:
        """The A/B test that runs; None when all have ended."""
        return next(iter(self.experiments.unfinished), None)

    def needing(self, version: int) -> str | None:
        """In words, the rollout or A/B test that has not ended and may still ask for this version; None where none may."""
        rollouts = (f"rollout {state.id}" for state in self.rollouts.unfinished if version in state.needed)
        experiments = (f"the A/B test {state.id}" for state in self.experiments.unfinished if version in state.needed)
        return next(chain(rollouts, experiments), None)

    def _get(self, what: object, read: Any, *files: Path) -> Any:
        return self._cache.get((self.base.name, what), files, read)
