"""The steps of the deployment stage, as a pipeline runs them: validate, push, roll out, decide, undo.

No pipeline library is in here: the TFX components, the plain Kubeflow components and the
command all call these, and only translate what goes in and comes out.
"""

from tfx_rollout.steps.canary import Outcome, page_of, page_of_outcome, run_canary, settle
from tfx_rollout.steps.documents import evidence_of_rollout, evidence_of_validation, read_outcome, read_report
from tfx_rollout.steps.last_word import LastWord, say_last_word
from tfx_rollout.steps.live import Live, live_version
from tfx_rollout.steps.metrics import Requirement, evidence_of_metrics, parse_requirements, read_metrics
from tfx_rollout.steps.plan import read_plan
from tfx_rollout.steps.push import PushResult, push
from tfx_rollout.steps.unfinished import Ended, end_unfinished
from tfx_rollout.steps.validation import Validated, validate_model

__all__ = [
    "Ended",
    "LastWord",
    "Live",
    "Outcome",
    "PushResult",
    "Requirement",
    "Validated",
    "end_unfinished",
    "evidence_of_metrics",
    "evidence_of_rollout",
    "evidence_of_validation",
    "live_version",
    "page_of",
    "page_of_outcome",
    "parse_requirements",
    "push",
    "read_metrics",
    "read_outcome",
    "read_plan",
    "read_report",
    "run_canary",
    "say_last_word",
    "settle",
    "validate_model",
]
