"""Late labels by request id: one, a batch, or lines as they come."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from tfx_rollout.control.documents import FeedbackBatch, FeedbackRow, FeedbackTaken, Role
from tfx_rollout.control.http.parameters import Model
from tfx_rollout.control.http.route import JSON, Asked, needs, routes_of

router = routes_of("feedback", prefix="/v1/models/{model}")
LINES = "application/x-ndjson"
_ROW = TypeAdapter(FeedbackRow)
_BATCH = TypeAdapter(FeedbackBatch)
_BODY = {
    "required": True,
    "content": {
        JSON: {
            "schema": {
                "anyOf": [{"$ref": "#/components/schemas/FeedbackBatch"}, {"$ref": "#/components/schemas/FeedbackRow"}],
            },
            "example": {"request_id": "d7ad2fbe-8c1b-4b52-9d2e-0a8e2f9ad0a1", "correct": True},
        },
        LINES: {
            "schema": {"type": "string", "description": "One FeedbackRow a line."},
            "example": '{"request_id": "d7ad2fbe", "label": 1}\n{"request_id": "0a8e2f9a", "correct": false}\n',
        },
    },
}


@router.post("/feedback", **needs(Role.OPERATE, 404, body=True, types=(JSON, LINES), openapi_extra={"requestBody": _BODY}))
async def give_feedback(request: Request, control: Asked, model: Model) -> FeedbackTaken:
    """Take rows in, all or none: of several about one request the first counts."""
    body = await request.body()
    lines = request.headers["content-type"].split(";")[0].strip().lower() == LINES
    return await run_in_threadpool(lambda: control.give_feedback(model, _lines(body) if lines else _rows(body)))


def _lines(body: bytes) -> Iterable[str]:
    try:
        return body.decode().split("\n")
    except UnicodeDecodeError as error:
        raise RequestValidationError(
            [{"type": "text", "loc": ("body",), "msg": f"is not UTF-8: {error.reason}", "input": None}]
        ) from error


def _rows(body: bytes) -> Iterable[Mapping[str, Any]]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestValidationError(
            [{"type": "json_invalid", "loc": ("body",), "msg": "", "input": None, "ctx": {"error": str(error)[:200]}}]
        ) from error
    many = isinstance(given, dict) and "rows" in given
    try:
        rows = _BATCH.validate_python(given, strict=True).rows if many else [_ROW.validate_python(given, strict=True)]
    except ValidationError as error:
        raise RequestValidationError([{**found, "loc": ("body", *found["loc"])} for found in error.errors()]) from error
    return [row.model_dump(exclude_unset=True) for row in rows]
