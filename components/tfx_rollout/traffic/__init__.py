"""What serves how much: pure values, and the safe order between two of them. No I/O."""

from tfx_rollout.traffic.consistency import allowed_versions
from tfx_rollout.traffic.desired import Cause, DesiredState, Sticky, alias_fault
from tfx_rollout.traffic.differences import Difference, differences
from tfx_rollout.traffic.held import arranged, rebased, same_traffic, with_held_changes
from tfx_rollout.traffic.numbering import after_numbers, certain_numbers
from tfx_rollout.traffic.observed import ObservedState, Route, ServerObservation, VersionState
from tfx_rollout.traffic.placement import ServerSpec, canary_server, place, primary_server, routes
from tfx_rollout.traffic.rehearsal import rehearse
from tfx_rollout.traffic.split import FULL, Split
from tfx_rollout.traffic.step_words import in_words
from tfx_rollout.traffic.steps import Await, Configure, Settled, SetTraffic, StartServer, Step, StopServer, Stuck
from tfx_rollout.traffic.track import LABEL_OF, VARIANT_LABELS, VARIANTS, WEIGHTED, Label, Track, label_named
from tfx_rollout.traffic.transition import next_step
from tfx_rollout.traffic.weights import serves

__all__ = [
    "FULL",
    "LABEL_OF",
    "VARIANTS",
    "VARIANT_LABELS",
    "WEIGHTED",
    "Await",
    "Cause",
    "Configure",
    "DesiredState",
    "Difference",
    "Label",
    "ObservedState",
    "Route",
    "ServerObservation",
    "ServerSpec",
    "SetTraffic",
    "Settled",
    "Split",
    "StartServer",
    "Step",
    "Sticky",
    "StopServer",
    "Stuck",
    "Track",
    "VersionState",
    "after_numbers",
    "alias_fault",
    "allowed_versions",
    "arranged",
    "canary_server",
    "certain_numbers",
    "differences",
    "in_words",
    "label_named",
    "next_step",
    "place",
    "primary_server",
    "rebased",
    "rehearse",
    "routes",
    "same_traffic",
    "serves",
    "with_held_changes",
]
