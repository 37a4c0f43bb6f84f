"""What went wrong, as RFC 9457 (`application/problem+json`) has it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from tfx_rollout.control.documents.form import Document


class FieldFault(Document):
    """One field of what was given: where it is (`body.version`, `query.since`) and what is wrong with it."""

    field: str
    reason: str


class Problem(Document):
    """Why nothing was done. `detail` is one sentence that names the fault, the place and the mend."""

    type: str
    """`/problems/<kind>`, the kind of error: `conflict`, `not-found`, `invalid-input`, … ."""
    title: str
    status: int
    detail: str
    errors: list[FieldFault] = Field(default_factory=list)
    current: Any | None = None
    """At a conflict: what is there now, as the document that the change was about."""
