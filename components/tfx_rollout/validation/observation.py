"""What was seen of a candidate: frozen facts, from which `checks` draws its conclusions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tfx_rollout.saved_model import Compatibility, Signature
from tfx_rollout.validation.requests import Request, Tensors


class Protocol(str, Enum):
    """A way into the server."""

    GRPC = "grpc"
    REST = "rest"

    def __str__(self) -> str:
        return {"grpc": "gRPC", "rest": "REST"}[self.value]


@dataclass(frozen=True, eq=False)
class Answer:
    """One answer of the server: tensors, or an error in its own words. `seconds` is what the client waited."""

    protocol: Protocol
    seconds: float
    outputs: Tensors | None = None
    error: str = ""
    version: int | None = None
    """The version that says it answered; REST does not tell."""


@dataclass(frozen=True, eq=False)
class Exchange:
    """One request, what the model says to it in process, and what the server answered."""

    request: Request
    expected: Tensors | None
    expected_error: str = ""
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Load:
    """How the load went. `error` is the model's fault in the server's words, empty when it is available."""

    seconds: float
    error: str = ""


@dataclass(frozen=True, eq=False)
class Observation:
    """Everything seen of a candidate in one validation.

    `untested` says why a signature got no requests. `crash` is how the server ended while
    it answered, empty if it did not. `with_examples` is False for a validation that only loads.
    """

    signatures: Mapping[str, Signature]
    load: Load
    version: int
    exchanges: tuple[Exchange, ...] = ()
    untested: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Signatures that were asked for and are not there."""
    with_examples: bool = False
    compatibility: Compatibility | None = None
    crash: str = ""
