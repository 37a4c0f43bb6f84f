"""Status codes and the one exception that carries them to a client.

The numbers are absl's and gRPC's, which TensorFlow shares.
"""

from __future__ import annotations

from enum import IntEnum

MESSAGE_LIMIT = 1024
"""gRPC messages beyond this many characters are cut, as `ToGRPCStatus` does."""


class Code(IntEnum):
    """absl::StatusCode."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


_HTTP = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.UNAUTHENTICATED: 401,
}


def http_code(code: Code) -> int:
    """The HTTP status of a REST answer with this code (`ToHTTPStatusCode` of http_server.cc)."""
    return _HTTP.get(code, 500)


class ServingError(Exception):
    """A request, load or configuration that failed with a code and TensorFlow Serving's text."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        """absl's form, `CODE: message`."""
        return f"{self.code.name}: {self.message}"


def grpc_message(message: str) -> str:
    """The message as it goes over gRPC: cut after 1024 characters."""
    return message if len(message) <= MESSAGE_LIMIT else message[:MESSAGE_LIMIT] + "...TRUNCATED"
