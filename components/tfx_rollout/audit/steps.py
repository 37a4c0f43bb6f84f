"""What steps of pipelines and schedules change, for the record: they act for the `by` that they are given."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tfx_rollout.audit.log import AuditLog
from tfx_rollout.audit.outcome import REFUSED
from tfx_rollout.model_store import BasePath

STEP = "step"
"""The right that a step acts with: it has the files of the root, and nobody asks it for a token."""


def step_recorded(base: BasePath, by: str, action: str, **facts: Any) -> AbstractContextManager[Callable[[str], None]]:
    """Records the change that the block makes, whatever comes of it. The block is given a function that says what did.

    Of a model that is not there, also after the block, nothing is recorded: what fails leaves no root behind.
    """
    return AuditLog(base.store.access_dir).recorded(by, STEP, action, base.name, facts, where=base.exists)


def record_refused_step(base: BasePath, by: str, action: str, reason: str, **facts: Any) -> None:
    """Records a change that was not made for a reason that is no fault, such as a blessing that says no.

    Of a model that is not there nothing is recorded.
    """
    if base.exists():
        AuditLog(base.store.access_dir).record_or_log(by, STEP, action, base.name, REFUSED, reason, facts)
