"""The lines of the access log: what Envoy writes and `evidence` reads, kept in one place."""

from __future__ import annotations

import json

from tfx_rollout.gateway.naming import VERSION_HEADER

PROGRESS_S = 0.5
"""A request that is still running gets a line of progress every so many seconds after its start."""
HEARTBEAT_S = 0.25
"""How often the gateway calls itself; the line of each call shows up to when the log is complete."""
FLUSH_MS = 100
"""How long a line may wait in Envoy's buffer before it is in the file."""

UNIT_NAMESPACE, UNIT_KEY = "tfx_rollout", "unit"
"""Where a request's metadata within Envoy has its unit."""

_VERSION = {
    # At most the 19 digits that a version has.
    "operators": [{"command": where, "param": VERSION_HEADER, "max_length": 19} for where in ("RESP", "TRAILER")]
}

FIELDS: tuple[tuple[str, str], ...] = (
    # When the request's headers were complete, and when this line was written (epoch seconds).
    ("start", "%START_TIME(%s.%6f)%"),
    ("emitted", "%EMIT_TIME(%s.%6f)%"),
    # DownstreamEnd, or DownstreamPeriodic for a line of progress.
    ("kind", "%ACCESS_LOG_TYPE%"),
    # With start and request id it tells one request from every other; Envoy's stream id is but the request id.
    ("connection", "%CONNECTION_ID%"),
    ("route", "%ROUTE_NAME%"),
    ("cluster", "%UPSTREAM_CLUSTER%"),
    ("http_code", "%RESPONSE_CODE%"),
    ("grpc_code", "%GRPC_STATUS_NUMBER%"),
    # Microseconds from the start to the last byte of the request, and to the last byte of the server's answer.
    ("received_us", "%COMMON_DURATION(DS_RX_BEG:DS_RX_END:us)%"),
    ("answered_us", "%COMMON_DURATION(DS_RX_BEG:US_RX_END:us)%"),
    ("flags", "%RESPONSE_FLAGS%"),
    ("attempts", "%UPSTREAM_REQUEST_ATTEMPT_COUNT%"),
    # The client's own, where it is 1 to 128 of `[A-Za-z0-9._-]`, else a fresh one; a copy has that of its original.
    ("request_id", "%REQ(X-REQUEST-ID)%"),
    # Whom a sticky draw took the request to be from: a hash in 16 hexadecimal digits, never the header's value.
    ("unit", f"%DYNAMIC_METADATA({UNIT_NAMESPACE}:{UNIT_KEY})%"),
    # The version that answered, as the answer says: REST and a gRPC error in the header, another gRPC answer in the trailer.
    ("version", f"%COALESCE({json.dumps(_VERSION, separators=(',', ':'))})%"),
)
"""Name and Envoy's format of each field, in order, separated by one space; `-` where there is none.

A new field goes to the end, so that the lines of an older gateway can still be read.
"""
FIRST_FIELDS = len(FIELDS) - 1
"""How many of them the lines of the oldest gateway have whose logs are still read."""

LOG_FORMAT = " ".join(pattern for _, pattern in FIELDS) + "\n"
END = "DownstreamEnd"
PROGRESS = "DownstreamPeriodic"
