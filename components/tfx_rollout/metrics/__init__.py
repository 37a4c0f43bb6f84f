"""Metrics of the traffic and of the rollouts of a root: for the API in JSON, for Prometheus, and what watches them.

traffic = TrafficMetrics(store)
exposition = Exposition(store, traffic, rollouts=ProgressReader(store), supervisor_up=…)   # metrics.exposition
with following(traffic):
    traffic.query("taxi", since, until)
    exposition.render()
"""

from tfx_rollout.metrics.following import following
from tfx_rollout.metrics.query import Figures, Traffic, TrafficSeries
from tfx_rollout.metrics.traffic import TrafficMetrics

__all__ = ["Figures", "Traffic", "TrafficMetrics", "TrafficSeries", "following"]
