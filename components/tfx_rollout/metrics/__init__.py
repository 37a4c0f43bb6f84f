"""Metrics of the traffic and of the rollouts of a root: for the API in JSON, for Prometheus, and what watches them."""

from tfx_rollout.metrics.query import Figures, Traffic, TrafficSeries
from tfx_rollout.metrics.traffic import TrafficMetrics

__all__ = ["Figures", "Traffic", "TrafficMetrics", "TrafficSeries"]
