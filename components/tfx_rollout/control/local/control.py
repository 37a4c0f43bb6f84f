"""`Control` on the files of a root."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from tfx_rollout.control.documents import Role
from tfx_rollout.control.local.access import AccessPart
from tfx_rollout.control.local.configuration import ConfigurationPart
from tfx_rollout.control.local.experiments import ExperimentsPart
from tfx_rollout.control.local.feedback import FeedbackPart
from tfx_rollout.control.local.overview import Overview
from tfx_rollout.control.local.part import Root
from tfx_rollout.control.local.rollouts import RolloutsPart
from tfx_rollout.control.local.traffic import TrafficPart
from tfx_rollout.control.local.versions import VersionsPart
from tfx_rollout.model_store import ModelStore

if TYPE_CHECKING:
    from tfx_rollout.metrics import TrafficMetrics


class LocalControl(
    Overview, VersionsPart, ConfigurationPart, RolloutsPart, ExperimentsPart, FeedbackPart, TrafficPart, AccessPart
):
    """Everything that can be asked of a root, by its files. Runs in any process; safe to use from several threads.

    It checks no role: who asks locally may write the files anyway, and the API checks it for
    those who come over HTTP. Every change is recorded (`tfx_rollout.audit`) with `by` and `role`.
    """

    def __init__(self, store: ModelStore, *, by: str, role: Role = Role.ADMIN, traffic: TrafficMetrics | None = None) -> None:
        """`traffic` are metrics that somebody keeps counting; without them each question counts the access log anew."""
        super().__init__(Root(store), by, role)
        self._metrics = traffic

    def acting_as(self, by: str, role: Role) -> LocalControl:
        """The same for somebody else, sharing what was read."""
        other = copy(self)
        other.by, other.role = by, role
        return other
