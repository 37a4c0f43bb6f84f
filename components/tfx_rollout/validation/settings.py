"""What to send and what to hold the answers against: JSON at the edge, frozen values inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tfx_rollout.errors import InvalidPlan


@dataclass(frozen=True)
class Tolerance:
    """Two numbers a and b agree where `|a - b| <= absolute + relative * |b|` (numpy's rule)."""

    relative: float
    absolute: float


EXACT = Tolerance(0.0, 0.0)
TOLERANCES: Mapping[str, Tolerance] = {
    "bfloat16": Tolerance(2e-2, 2e-2),
    "float16": Tolerance(2e-3, 2e-3),
    "float32": Tolerance(1e-4, 1e-5),
    "float64": Tolerance(1e-9, 1e-9),
    "complex64": Tolerance(1e-4, 1e-5),
    "complex128": Tolerance(1e-9, 1e-9),
}
"""Defaults per dtype; what is not listed must agree exactly. They leave room for the other
order of sums that the server's graph optimiser may choose, and for REST's decimals."""


@dataclass(frozen=True)
class RequestSettings:
    """Which requests are made.

    `signatures` are those to test, `None` for every one that the examples can be turned
    into. Of each, `maximum` distinct requests are sent; fewer than `minimum` are too little
    evidence for a blessing. `split` names the examples' split; without it `eval` is taken, or
    the first one where there is none of that name.
    """

    minimum: int = 200
    maximum: int = 300
    signatures: tuple[str, ...] | None = None
    split: str | None = None


@dataclass(frozen=True)
class Limits:
    """What the candidate must keep to: seconds for load and for one request, milliseconds for the quantiles."""

    load_seconds: float = 300.0
    request_seconds: float = 10.0
    p50_ms: float | None = None
    p99_ms: float | None = None
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)

    def tolerance(self, dtype: str) -> Tolerance:
        """The tolerance for this dtype: the configured one, else the default, else exact."""
        return self.tolerances.get(dtype) or TOLERANCES.get(dtype, EXACT)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class _Requests(_Document):
    minimum: int = Field(200, ge=1)
    maximum: int | None = Field(None, ge=1)
    signatures: list[str] | None = Field(None, min_length=1)
    split: str | None = None


class _Tolerance(_Document):
    relative: float = Field(0.0, ge=0)
    absolute: float = Field(0.0, ge=0)


class _Limits(_Document):
    load_seconds: float = Field(300.0, gt=0)
    request_seconds: float = Field(10.0, gt=0)
    p50_ms: float | None = Field(None, gt=0)
    p99_ms: float | None = Field(None, gt=0)
    tolerances: dict[str, _Tolerance] = Field(default_factory=dict)


def load_requests(document: Mapping[str, Any] | str | None) -> RequestSettings:
    """From a dict or its JSON; empty means the defaults. `InvalidPlan` names every fault."""
    what = "the parameter requests"
    parsed = _parse(_Requests, document, what)
    maximum = max(parsed.minimum, 300) if parsed.maximum is None else parsed.maximum
    if maximum < parsed.minimum:
        raise InvalidPlan(what, [f"maximum: {maximum} is below the minimum of {parsed.minimum}"])
    signatures = None if parsed.signatures is None else tuple(dict.fromkeys(parsed.signatures))
    return RequestSettings(parsed.minimum, maximum, signatures, parsed.split)


def load_limits(document: Mapping[str, Any] | str | None) -> Limits:
    """From a dict or its JSON; empty means the defaults. `InvalidPlan` names every fault."""
    parsed = _parse(_Limits, document, "the parameter limits")
    return Limits(
        load_seconds=parsed.load_seconds,
        request_seconds=parsed.request_seconds,
        p50_ms=parsed.p50_ms,
        p99_ms=parsed.p99_ms,
        tolerances={dtype: Tolerance(t.relative, t.absolute) for dtype, t in parsed.tolerances.items()},
    )


def _parse(kind: type[Any], document: Mapping[str, Any] | str | None, what: str) -> Any:
    try:
        data = json.loads(document) if isinstance(document, str) and document else document
        return kind.model_validate(data or {})
    except ValueError as fault:
        if isinstance(fault, ValidationError):
            lines = [f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in fault.errors()]
        else:
            lines = [f"document: it is no JSON ({fault})"]
        raise InvalidPlan(what, lines) from fault
