"""What one line of the access log means for the metrics. Pure.

Unlike evidence (`evidence.access_log_line`), which compares tracks and leaves out what would
make the comparison unfair, metrics tell what was served: every request that ended, with the
answer its client got and the time it took.

- What the gateway drew counts on its track, copies on `shadow`, and what the client chose (it
  forced a track, or named a version or a label) on `pinned`. So `stable` and `canary` are drawn
  requests alone.
- GetModelMetadata and GetModelStatus over gRPC, heartbeats, and calls of models or tracks that
  there are not are no requests of a version and do not count.
- A request whose client left before it had sent it whole never reached a model.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx_rollout.evidence.access_log_line import LogLine, code_name
from tfx_rollout.gateway.naming import Protocol, cluster_track, is_draw, is_shadow
from tfx_rollout.traffic import Track


class CountedRequest(NamedTuple):
    """One request that has ended. `ended` in epoch seconds."""

    model: str
    track: Track
    served_by: Track
    """The track whose server answered or should have: that of the client's choice, where it is known."""
    version: int | None
    """The version that answered, where the answer says so."""
    protocol: Protocol
    code: str
    ended: float
    duration_us: float
    request_id: str | None


def counted_request(line: LogLine) -> CountedRequest | None:
    """The request that a line tells of; None where it counts for nothing (see the module)."""
    if not line.ended or (line.received_us is None and line.http_code == 0):
        return None
    destination = cluster_track(line.cluster)
    if destination is None:
        return None
    model, served_by = destination
    if is_draw(line.route) or is_shadow(line.route):
        track = served_by
    elif line.route.startswith(("forced/", "pinned/")) and not line.route.endswith("/status"):
        track = Track.PINNED
    else:
        return None
    grpc = line.cluster.endswith("~grpc")
    whole = line.answered_us is not None
    if line.client_left:
        code = "CANCELLED"
    else:
        code = code_name(line.http_code, line.grpc_code, grpc=grpc)
        if code == "OK" and not whole:
            code = "UNAVAILABLE"  # the server broke off in the middle of its answer
    done_us = line.answered_us if line.answered_us is not None else (line.emitted - line.start) * 1e6
    return CountedRequest(
        model,
        track,
        served_by,
        line.version,
        "grpc" if grpc else "rest",
        code,
        line.emitted,
        max(0.0, done_us - (line.received_us or 0)),
        line.request_id,
    )
