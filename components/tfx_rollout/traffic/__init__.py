"""What serves how much: pure values, and the safe order between two of them. No I/O."""

from tfx_rollout.traffic.desired import Cause, DesiredState, Sticky
from tfx_rollout.traffic.observed import ObservedState, Route, ServerObservation, VersionState
from tfx_rollout.traffic.split import FULL, Split
from tfx_rollout.traffic.track import Label, Track

__all__ = [
    "FULL",
    "Cause",
    "DesiredState",
    "Label",
    "ObservedState",
    "Route",
    "ServerObservation",
    "Split",
    "Sticky",
    "Track",
    "VersionState",
]
