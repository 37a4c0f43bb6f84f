"""The versions of a model."""

from __future__ import annotations

from tfx_rollout.control.documents.form import Document, Share, Told, VersionNumber, Wanted, Why


class VersionServer(Document):
    """What one model server says of a version. `state` is TensorFlow Serving's (AVAILABLE, LOADING, …)."""

    server: str
    state: str
    error: str | None


class Version(Document):
    """One version: where it came from, what it does now."""

    version: int
    labels: list[str]
    """The project's labels on it, in the desired state."""
    aliases: list[str]
    """The operator's own labels on it."""
    held: bool
    """Whether the desired state holds it loaded."""
    pinned: bool
    share: Share
    """Share of the traffic that the gateway confirmed."""
    desired_share: Share
    servers: list[VersionServer]
    published_at: float | None
    bytes: int | None
    digest: str | None
    source: str | None
    adopted: bool
    provenance: dict[str, str]
    signatures: Told | None = None
    """Inputs and outputs by signature; told for a single version only."""
    files: int | None = None


class Versions(Document):
    """All versions, newest first."""

    model: str
    versions: list[Version]


class AliasWanted(Wanted):
    """A label of the operator's own is to name this version."""

    version: VersionNumber
    why: Why = "asked for over the API"


class HoldWanted(Wanted):
    """A version is to be held loaded, pinned, or neither any more."""

    why: Why = "asked for over the API"
