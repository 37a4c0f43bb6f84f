"""Windows of counts per track: what the judge decides on."""

from tfx_rollout.evidence.histogram import LatencyHistogram
from tfx_rollout.evidence.labels import LabelSource, LabelTally
from tfx_rollout.evidence.source import EvidenceSource, IntervalCounts
from tfx_rollout.evidence.window import LabelCounts, MissingLabels, PairCounts, TrackCounts, Window

__all__ = [
    "EvidenceSource",
    "IntervalCounts",
    "LabelCounts",
    "LabelSource",
    "LabelTally",
    "LatencyHistogram",
    "MissingLabels",
    "PairCounts",
    "TrackCounts",
    "Window",
]
