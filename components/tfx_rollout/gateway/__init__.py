"""The gateway: Envoy in front of the model servers, configured by files that are rendered here."""

from __future__ import annotations

from tfx_rollout.gateway.config import GatewayConfig, GatewaySettings, ModelRoutes, Upstream
from tfx_rollout.gateway.envoy import Gateway

__all__ = ["Gateway", "GatewayConfig", "GatewaySettings", "ModelRoutes", "Upstream"]
