"""Envoy's configuration as JSON-able values: pure functions of `GatewayConfig` and `GatewaySettings`."""

from __future__ import annotations

from tfx_rollout.gateway.render.bootstrap import bootstrap
from tfx_rollout.gateway.render.clusters import clusters, clusters_file
from tfx_rollout.gateway.render.discovery import Discovery
from tfx_rollout.gateway.render.routes import model_routes, routes_file

__all__ = ["Discovery", "bootstrap", "clusters", "clusters_file", "model_routes", "routes_file"]
