"""Versions as documents: where each came from, and what it does now. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tfx_rollout.control.documents import Version, VersionServer
from tfx_rollout.model_store import Manifest
from tfx_rollout.traffic import LABEL_OF, WEIGHTED, DesiredState, ObservedState, Split, Track


def version_document(version: int, manifest: Manifest | None, desired: DesiredState, observed: ObservedState | None) -> Version:
    """One version. `observed` None while nothing serves."""
    named = {track: desired.labels.get(LABEL_OF[track]) for track in WEIGHTED}
    found = {} if observed is None else answering(observed)
    in_force = Split() if observed is None or observed.split is None else observed.split
    return Version(
        version=version,
        labels=[str(label) for label, labelled in desired.labels.items() if labelled == version],
        aliases=[alias for alias, aliased in desired.aliases.items() if aliased == version],
        held=version in desired.versions,
        pinned=version in desired.pinned,
        share=_share(in_force, found, version),
        desired_share=_share(desired.split, named, version),
        servers=[] if observed is None else _servers(observed, version),
        published_at=None if manifest is None else manifest.published_at,
        bytes=None if manifest is None else manifest.size,
        digest=None if manifest is None else manifest.digest,
        source=None if manifest is None else manifest.source,
        adopted=manifest is not None and manifest.adopted,
        provenance={} if manifest is None else {key: str(value) for key, value in manifest.provenance.items()},
    )


def answering(observed: ObservedState) -> dict[Track, int | None]:
    """The version that answers on each track that the gateway routes, as its server says."""
    found: dict[Track, int | None] = {}
    for track, route in observed.routes.items():
        server = observed.server(route.server)
        found[track] = None if server is None else server.labels.get(route.label)
    return found


def shares(split: Split | None, tracks: Mapping[Track, int | None]) -> dict[str, float]:
    """The shares of the tracks that there are."""
    if split is None:
        return {}
    return {str(track): split.share(track) for track in WEIGHTED if tracks.get(track) is not None}


def _share(split: Split, tracks: Mapping[Track, int | None], version: int) -> float:
    units = sum(split.units(track) for track in WEIGHTED if tracks.get(track) == version)
    return units / Split().stable


def _servers(observed: ObservedState, version: int) -> list[VersionServer]:
    return [
        VersionServer(server=server.name, state=str(server.versions[version]), error=server.errors.get(version))
        for server in observed.servers
        if version in server.versions
    ]
