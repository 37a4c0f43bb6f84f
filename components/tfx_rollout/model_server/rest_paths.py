"""The paths of the REST API (http_rest_api_util.cc). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from tfx_rollout.model_server.status import Code, ServingError

_HANDLED = re.compile(r"/v1/.*", re.IGNORECASE)
_VERSION = r"(?:/versions/(\d+)|/labels/([^/:]+))?"
_POST = re.compile(rf"/v1/models/([^/:]+){_VERSION}:(classify|regress|predict)", re.IGNORECASE)
_GET = re.compile(rf"/v1/models(?:/([^/:]+))?{_VERSION}(?:/(metadata))?", re.IGNORECASE)


@dataclass(frozen=True)
class RestCall:
    """What a path asks for: `action` is predict, classify, regress, status or metadata."""

    action: str
    model: str
    version: int | None
    label: str | None


def is_handled(path: str) -> bool:
    """Whether the REST API answers this path at all; others get a plain 404."""
    return _HANDLED.fullmatch(path) is not None


def parse_call(method: str, path: str) -> RestCall:
    """The call; ServingError INVALID_ARGUMENT for a path or verb that is none."""
    malformed = ServingError(Code.INVALID_ARGUMENT, f"Malformed request: {method} {path}")
    match = {"POST": _POST, "GET": _GET}.get(method, re.compile(r"(?!)")).fullmatch(path)
    if match is None:
        raise malformed
    model, number, label, what = match.groups()
    action = what if method == "POST" else {"metadata": "metadata"}.get(what or "", "status")
    if action != action.lower():
        raise malformed
    version = int(number) if number else None
    if version is not None and version >= 2**63:
        raise ServingError(Code.INVALID_ARGUMENT, f"Failed to convert version: {number} to numeric.")
    if not model:
        raise ServingError(Code.INVALID_ARGUMENT, "Missing model name in request.")
    return RestCall(action, unquote(model), version, unquote(label) if label else None)
