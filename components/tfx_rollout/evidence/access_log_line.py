"""One line of the gateway's access log: what it says, and what it means as evidence. Pure.

What counts, and as what, depends on the line's own numbers alone, so that counting an
interval again gives the same counts:

- Only calls that the *draw* sent to a track, and the copies of them that went to a shadow.
  Forced and pinned calls, metadata, status and heartbeats are no evidence.
- A request that was tried again is one request, with the answer that its client got.
- A client that takes longer than `PROGRESS_S` to send its request, or leaves before it has,
  is no evidence: that time is the client's. Nor is one whose body the gateway cuts off at its limit.
- Latency runs from the last byte of the request to the last byte of the server's answer,
  so a client that reads slowly does not count either. Where the gateway answers for the
  server (it cannot be reached, it resets), it runs to the end of that answer.
- *Unanswered* is what has no whole answer `waiting_s` after its start, also when one came
  later, and what the client gave up before there was one: a hanging track must not hide
  behind the patience of its clients.
- Everything but a whole good answer (gRPC status OK, HTTP 2xx) is a failure.
"""

from __future__ import annotations

from dataclasses import dataclass

from tfx_rollout.gateway.log_format import END, FIELDS, FIRST_FIELDS, PROGRESS, PROGRESS_S
from tfx_rollout.gateway.naming import cluster_track, is_draw, is_shadow
from tfx_rollout.traffic import Track

GRPC_NAMES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
"""Status names of gRPC by number (google/rpc/code.proto)."""

# The inverse of TensorFlow Serving's table (http_rest_api_util.cc), which sends several statuses as one code.
_HTTP_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_CLIENT_LEFT = frozenset({"DC", "DR"})
"""Envoy's response flags: the client closed its connection, or reset its stream."""


def code_name(http_code: int, grpc_code: int | None, *, grpc: bool) -> str:
    """The gRPC status name of an answer of either protocol."""
    if grpc:
        return GRPC_NAMES[grpc_code] if grpc_code is not None and 0 <= grpc_code < len(GRPC_NAMES) else "UNKNOWN"
    if 200 <= http_code < 300:
        return "OK"
    return _HTTP_NAMES.get(http_code, "UNKNOWN")


def emission(line: str) -> float | None:
    """When a line was written (epoch seconds), without parsing the rest; None for what is no whole line."""
    if not FIRST_FIELDS <= line.count(" ") + 1 <= len(FIELDS):
        return None
    try:
        return float(line.split(" ", 2)[1])
    except ValueError:
        return None


@dataclass(frozen=True)
class LogLine:
    """The fields of one line. Times in epoch seconds, durations in microseconds from `start`."""

    start: float
    emitted: float
    ended: bool
    """False for a line of progress: the request was still running."""
    stream: str
    """The same in all lines of one request, and in those of no other."""
    route: str
    cluster: str
    http_code: int
    """0 where no answer was begun."""
    grpc_code: int | None
    received_us: int | None
    answered_us: int | None
    flags: frozenset[str]
    request_id: str | None
    unit: str | None
    """Whom a sticky draw took the request to be from, hashed; None without one, or without its header."""
    version: int | None = None
    """The version that answered; None where the answer does not say (none came, the gateway gave it itself),
    and in the lines of a gateway of before there was this field."""

    @property
    def client_left(self) -> bool:
        """Whether the client gave up before there was a whole answer."""
        return self.answered_us is None and (self.http_code == 0 or bool(self.flags & _CLIENT_LEFT))

    @classmethod
    def parse(cls, line: str) -> LogLine | None:
        """The line's fields, or None for what is no line of the access log (a torn one, say)."""
        parts = line.split(" ")
        if not FIRST_FIELDS <= len(parts) <= len(FIELDS):
            return None
        start, emitted, kind, connection, route, cluster, http_code, grpc_code, received, answered, flags, _, identity, unit = (
            parts[:FIRST_FIELDS]
        )
        if kind not in (END, PROGRESS):
            return None
        try:
            return cls(
                float(start),
                float(emitted),
                kind == END,
                f"{connection}/{start}/{identity}",
                route,
                cluster,
                _number(http_code) or 0,
                _number(grpc_code),
                _number(received),
                _number(answered),
                frozenset(flags.split(",")) - {"-"},
                _present(identity),
                _present(unit),
                _version(parts[FIRST_FIELDS]) if len(parts) > FIRST_FIELDS else None,
            )
        except ValueError:
            return None


@dataclass(frozen=True)
class DrawnRequest:
    """A request that the draw sent to a track, or a copy of one, as far as one line tells.

    `latency_us` is None where it is unanswered; then `code` is not `OK`. `open` is true
    where nothing is decided yet: a line of progress without an answer.
    """

    model: str
    track: Track
    start: float
    code: str
    latency_us: float | None
    open: bool = False
    request_id: str | None = None
    """A copy has that of its original."""
    unit: str | None = None


def drawn_request(line: LogLine, *, waiting_s: float) -> DrawnRequest | None:
    """What a line says about a drawn request; None where it is no evidence (see the module)."""
    if not (is_draw(line.route) or is_shadow(line.route)):
        return None
    destination = cluster_track(line.cluster)
    if destination is None:
        return None
    if line.received_us is None and line.http_code == 0:
        return None  # the client still sends, or left before it had
    if line.received_us is None and line.answered_us is None and line.http_code == 413:
        return None  # the gateway's own word, in the middle of the body
    received_us = line.received_us or 0
    if received_us > PROGRESS_S * 1e6:
        return None
    if not line.ended and line.answered_us is not None:
        return None  # it is the client that is slow now: the line at its end will tell
    code, latency_us = _answer(line, received_us, waiting_s=waiting_s) if line.ended else ("DEADLINE_EXCEEDED", None)
    model, track = destination
    return DrawnRequest(model, track, line.start, code, latency_us, not line.ended, line.request_id, line.unit)


def _answer(line: LogLine, received_us: int, *, waiting_s: float) -> tuple[str, float | None]:
    """Code and latency of a request that has ended."""
    whole = line.answered_us is not None
    done_us = line.answered_us if line.answered_us is not None else (line.emitted - line.start) * 1e6
    if done_us > waiting_s * 1e6:
        return "DEADLINE_EXCEEDED", None
    if line.client_left:
        return "CANCELLED", None
    code = code_name(line.http_code, line.grpc_code, grpc=line.cluster.endswith("~grpc"))
    if code == "OK" and not whole:
        code = "UNAVAILABLE"  # the server broke off in the middle of its answer
    return code, max(0.0, done_us - received_us)


def _present(field: str) -> str | None:
    return None if field == "-" else field


def _version(field: str) -> int | None:
    # A server's own word: nonsense in it is no reason to lose the line.
    return int(field) if field.isascii() and field.isdigit() else None


def _number(field: str) -> int | None:
    return None if field == "-" else int(field)
