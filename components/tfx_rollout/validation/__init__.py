"""Infra validation: the candidate in a server of its own, asked through its real ports, held against itself in process."""

from tfx_rollout.validation.requests import Request, Unfit, make_requests
from tfx_rollout.validation.result import Check, ValidationResult
from tfx_rollout.validation.run import validate
from tfx_rollout.validation.settings import Limits, RequestSettings, Tolerance, load_limits, load_requests

__all__ = [
    "Check",
    "Limits",
    "Request",
    "RequestSettings",
    "Tolerance",
    "Unfit",
    "ValidationResult",
    "load_limits",
    "load_requests",
    "make_requests",
    "validate",
]
