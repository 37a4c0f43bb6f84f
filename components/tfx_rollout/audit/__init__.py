"""The record of changes: who asked for what at a root, and what came of it.

    <root>/.access/audit.jsonl     changes that were asked for, newest last; older ones in audit.1.jsonl …

log        written and read
entry      one change
outcome    what came of it, as a status
steps      what pipelines and schedules record
"""

from tfx_rollout.audit.entry import AuditEntry, AuditPage
from tfx_rollout.audit.log import SECRET_PREFIX, AuditLog
from tfx_rollout.audit.outcome import DONE, status_of
from tfx_rollout.audit.steps import STEP, record_refused_step, step_recorded

__all__ = [
    "DONE",
    "SECRET_PREFIX",
    "STEP",
    "AuditEntry",
    "AuditLog",
    "AuditPage",
    "record_refused_step",
    "status_of",
    "step_recorded",
]
