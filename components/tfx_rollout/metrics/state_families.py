"""What should be and what is, as Prometheus' metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from tfx_rollout.metrics.traffic_families import version_text
from tfx_rollout.traffic import DesiredState, ObservedState, ServerObservation
from tfx_rollout.traffic.track import LABEL_OF, WEIGHTED


class RestartCounts:
    """Restarts of servers, added up: a server that is stopped and started anew for another version begins at 0 again."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._total: dict[str, int] = {}

    def total(self, server: ServerObservation) -> int:
        """All restarts of servers of this name since this process first saw one, and those before of that one."""
        last = self._last.get(server.name, 0)
        rise = server.restarts - last if server.restarts >= last else server.restarts
        self._last[server.name] = server.restarts
        self._total[server.name] = self._total.get(server.name, 0) + rise
        return self._total[server.name]


class StateFamilies:
    """Collects the metrics of the desired and observed states of models."""

    def __init__(self, restarts: RestartCounts) -> None:
        self._restarts = restarts
        self._share = GaugeMetricFamily(
            "tfx_rollout_traffic_share_ratio",
            "Share of the requests that the gateway draws for a track now, and the version behind it.",
            labels=["model", "track", "version"],
        )
        self._desired_share = GaugeMetricFamily(
            "tfx_rollout_traffic_desired_share_ratio",
            "Share that a track should get, and the version that should be behind it.",
            labels=["model", "track", "version"],
        )
        self._available = GaugeMetricFamily(
            "tfx_rollout_version_available",
            "Whether a server that holds a version answers for it.",
            labels=["model", "version", "server"],
        )
        self._desired_generation = GaugeMetricFamily(
            "tfx_rollout_desired_generation", "Generation of the newest desired state.", labels=["model"]
        )
        self._observed_generation = GaugeMetricFamily(
            "tfx_rollout_observed_generation", "Newest generation that was applied to its end.", labels=["model"]
        )
        self._fault = GaugeMetricFamily(
            "tfx_rollout_model_fault", "Whether something keeps the desired state from being reached.", labels=["model"]
        )
        self._ready = GaugeMetricFamily("tfx_rollout_server_ready", "Whether a model server answers.", labels=["model", "server"])
        self._restarted = CounterMetricFamily(
            "tfx_rollout_server_restarts",
            "How often a model server died or was killed and was started again.",
            labels=["model", "server"],
        )

    def add(self, desired: DesiredState, observed: ObservedState | None) -> None:
        """Takes in one model."""
        model = desired.model
        self._desired_generation.add_metric([model], desired.generation)
        for track in WEIGHTED:
            version = desired.labels.get(LABEL_OF[track])
            if version is not None:
                self._desired_share.add_metric([model, str(track), str(version)], desired.split.share(track))
        if observed is None:
            return
        self._observed_generation.add_metric([model], observed.generation)
        self._fault.add_metric([model], float(observed.fault is not None))
        self._add_shares(observed)
        for server in observed.servers:
            self._ready.add_metric([model, server.name], float(server.ready))
            self._restarted.add_metric([model, server.name], self._restarts.total(server))
            for version in sorted({*server.configured_versions, *server.versions}):
                self._available.add_metric([model, str(version), server.name], float(server.available(version)))

    def families(self) -> Iterator[Metric]:
        """All of them, each once."""
        yield from (self._share, self._desired_share, self._available)
        yield from (self._desired_generation, self._observed_generation, self._fault, self._ready, self._restarted)

    def _add_shares(self, observed: ObservedState) -> None:
        if observed.split is None:
            return
        for track in WEIGHTED:
            route = observed.routes.get(track)
            if route is not None:
                server = observed.server(route.server)
                version = None if server is None else server.labels.get(route.label)
                share = observed.split.share(track)
                self._share.add_metric([observed.model, str(track), version_text(version)], share)
