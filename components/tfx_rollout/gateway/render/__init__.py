"""Envoy's configuration as JSON-able values: pure functions of `GatewayConfig` and `GatewaySettings`."""

from __future__ import annotations

from tfx_rollout.gateway.render.bootstrap import bootstrap
from tfx_rollout.gateway.render.clusters import clusters
from tfx_rollout.gateway.render.discovery import Discovery, discovery
from tfx_rollout.gateway.render.routes import route_table

__all__ = ["Discovery", "bootstrap", "clusters", "discovery", "route_table"]
