"""Late labels by request id."""

from __future__ import annotations

from pydantic import Field

from tfx_rollout.control.documents.form import Document, Wanted

Scalar = bool | int | float | str


class FeedbackRow(Wanted):
    """What is known by now of one request: right or wrong, the true label, or the value of a metric of an A/B test."""

    request_id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")
    """The answer's `x-request-id`."""
    correct: bool | None = None
    label: Scalar | None = None
    prediction: Scalar | None = None
    metric: str | None = None
    value: Scalar | None = None


class FeedbackBatch(Wanted):
    """Rows that are taken in together, all or none."""

    rows: list[FeedbackRow] = Field(min_length=1, max_length=100_000)


class FeedbackTaken(Document):
    """`new` rows were taken in; of `known` ones a row was there already."""

    model: str
    new: int
    known: int
