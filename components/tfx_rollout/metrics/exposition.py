"""The metrics of a root for Prometheus, on a registry of their own.

Read at each scrape, from what `TrafficMetrics` has counted and from the files of the root.
`docs/monitoring.md` lists them all, with the bound on their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

import tfx_rollout
from tfx_rollout.errors import RolloutError
from tfx_rollout.metrics.progress import ExperimentProgress, ExperimentSource, RolloutProgress, RolloutSource
from tfx_rollout.metrics.progress_families import ProgressFamilies
from tfx_rollout.metrics.state_families import RestartCounts, StateFamilies
from tfx_rollout.metrics.traffic import TrafficMetrics
from tfx_rollout.metrics.traffic_families import traffic_families
from tfx_rollout.model_store import ModelStore

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""The content type of what `render` gives."""


def no_experiments(model: str) -> ExperimentProgress:
    """The source for a root without A/B tests."""
    return ExperimentProgress()


class Exposition:
    """Renders the metrics of a root. A model whose files cannot be read shows as `tfx_rollout_model_unreadable`."""

    def __init__(
        self,
        store: ModelStore,
        traffic: TrafficMetrics,
        *,
        rollouts: RolloutSource,
        supervisor_up: Callable[[], bool],
        experiments: ExperimentSource = no_experiments,
    ) -> None:
        self._store, self._traffic = store, traffic
        self._rollouts, self._experiments, self._supervisor_up = rollouts, experiments, supervisor_up
        self._restarts = RestartCounts()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def render(self) -> bytes:
        """All metrics in Prometheus' text format. Raises `StorageFault` when the root itself cannot be read."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing: registering must not read the root."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now; called by the registry."""
        build = GaugeMetricFamily("tfx_rollout_build_info", "The program that gives these metrics.", labels=["version"])
        build.add_metric([tfx_rollout.__version__], 1)
        yield build
        yield _gauge("tfx_rollout_supervisor_up", "Whether a supervisor serves the root.", float(self._supervisor_up()))
        yield _gauge(
            "tfx_rollout_access_log_read_timestamp_seconds",
            "Up to when the gateway's access log was counted. The gateway writes several lines a second.",
            self._traffic.counted_until,
        )
        yield from traffic_families(*self._traffic.counters())
        yield from self._of_models()

    def _of_models(self) -> Iterator[Metric]:
        unreadable = GaugeMetricFamily(
            "tfx_rollout_model_unreadable", "Whether the model's control files cannot be read.", labels=["model"]
        )
        states, progress = StateFamilies(self._restarts), ProgressFamilies()
        for model in self._store.models():
            try:
                base = self._store.model(model)
                desired, observed = base.desired(), base.observed()
                rollouts: RolloutProgress = self._rollouts(model)
                experiments = self._experiments(model)
            except RolloutError:
                unreadable.add_metric([model], 1)
            else:
                unreadable.add_metric([model], 0)
                states.add(desired, observed)
                progress.add(model, rollouts, experiments)
        yield unreadable
        yield from states.families()
        yield from progress.families()


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=value)
