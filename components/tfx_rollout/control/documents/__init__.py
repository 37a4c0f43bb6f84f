"""The documents that `Control` takes and gives, and that the API speaks as JSON: version 1.

Times are seconds since the epoch, shares and rates 0 to 1. What is given in (`…Wanted`)
refuses unknown fields; what comes out may get new fields within the version.
"""

from tfx_rollout.control.documents.access import Audited, AuditTrail, Role, Token, TokenCreated, Tokens, TokenWanted, Whoami
from tfx_rollout.control.documents.configuration import (
    Change,
    Configuration,
    ConfigurationWanted,
    Difference,
    History,
    PlannedStep,
    RollbackWanted,
)
from tfx_rollout.control.documents.experiments import (
    Experiment,
    ExperimentOrderWanted,
    Experiments,
    ExperimentWanted,
)
from tfx_rollout.control.documents.feedback import FeedbackBatch, FeedbackRow, FeedbackTaken
from tfx_rollout.control.documents.models import ModelOverview, Models, Readiness, Supervisor
from tfx_rollout.control.documents.problems import FieldFault, Problem
from tfx_rollout.control.documents.rollouts import (
    Order,
    OrderWanted,
    PlanDocument,
    Plans,
    Rollout,
    Rollouts,
    RolloutWanted,
)
from tfx_rollout.control.documents.traffic import Traffic, TrafficPoint, TrafficSeries, TrafficTotals
from tfx_rollout.control.documents.versions import AliasWanted, HoldWanted, Version, Versions, VersionServer

__all__ = [
    "AliasWanted",
    "AuditTrail",
    "Audited",
    "Change",
    "Configuration",
    "ConfigurationWanted",
    "Difference",
    "Experiment",
    "ExperimentOrderWanted",
    "ExperimentWanted",
    "Experiments",
    "FeedbackBatch",
    "FeedbackRow",
    "FeedbackTaken",
    "FieldFault",
    "History",
    "HoldWanted",
    "ModelOverview",
    "Models",
    "Order",
    "OrderWanted",
    "PlanDocument",
    "PlannedStep",
    "Plans",
    "Problem",
    "Readiness",
    "Role",
    "RollbackWanted",
    "Rollout",
    "RolloutWanted",
    "Rollouts",
    "Supervisor",
    "Token",
    "TokenCreated",
    "TokenWanted",
    "Tokens",
    "Traffic",
    "TrafficPoint",
    "TrafficSeries",
    "TrafficTotals",
    "Version",
    "VersionServer",
    "Versions",
    "Whoami",
]
