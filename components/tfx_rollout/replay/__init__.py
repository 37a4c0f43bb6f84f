"""Sends recorded rows through the gateway at a fixed rate, and reports per track what came back."""

from __future__ import annotations

from tfx_rollout.replay.late_labels import FeedbackFile, FeedbackFolder, LateLabels
from tfx_rollout.replay.replayer import ReplaySettings, replay
from tfx_rollout.replay.report import Answer, ReplayReport, TrackReport
from tfx_rollout.replay.rows import load_rows

__all__ = [
    "Answer",
    "FeedbackFile",
    "FeedbackFolder",
    "LateLabels",
    "ReplayReport",
    "ReplaySettings",
    "TrackReport",
    "load_rows",
    "replay",
]
