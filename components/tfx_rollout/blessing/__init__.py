"""The last word on a model: evidence bound to it, a policy, and a decision. Pure."""

from tfx_rollout.blessing.decision import Decision, decide
from tfx_rollout.blessing.evidence import Evidence, Kind, Subject
from tfx_rollout.blessing.policy import Policy, load_policy

__all__ = ["Decision", "Evidence", "Kind", "Policy", "Subject", "decide", "load_policy"]
