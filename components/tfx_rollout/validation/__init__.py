"""Infra validation: the candidate in a server of its own, asked through its real ports, held against itself in process."""

from tfx_rollout.validation.requests import Request, Unfit, make_requests
from tfx_rollout.validation.result import Check, ValidationResult
from tfx_rollout.validation.run import validate
from tfx_rollout.validation.settings import Limits, RequestSettings, Tolerance, limits, request_settings

__all__ = [
    "Check",
    "Limits",
    "Request",
    "RequestSettings",
    "Tolerance",
    "Unfit",
    "ValidationResult",
    "limits",
    "make_requests",
    "request_settings",
    "validate",
]
