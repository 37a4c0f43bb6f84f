"""Which server holds which versions, and where each track leads: what a desired state means in processes.

Topology `dedicated` gives the canary a server of its own, so that its crash, memory or
slowness never touches stable; `shared` lets one server hold everything. Variants, aliases
and pinned versions are always the primary server's. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tfx_rollout.traffic.desired import DesiredState
from tfx_rollout.traffic.observed import Route
from tfx_rollout.traffic.track import LABEL_OF, Label, Track


@dataclass(frozen=True)
class ServerSpec:
    """What one server is configured with for one model: versions to hold, and labels and aliases on them.

    No versions at all means "unload everything": the `specific` policy with an empty list.
    """

    versions: tuple[int, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "versions", tuple(sorted(set(self.versions))))
        object.__setattr__(self, "labels", dict(sorted(self.labels.items())))


def primary_server(model: str) -> str:
    """The server that holds the stable version, and everything that a client pins."""
    return model


def canary_server(model: str) -> str:
    """The server that holds the canary alone, in topology `dedicated`.

    No model's name has a tilde, so that it is never the primary server of another model.
    """
    return f"{model}~canary"


def place(desired: DesiredState) -> dict[str, ServerSpec]:
    """Every server that the desired state needs, by name, with what it must hold in the end."""
    if not desired.versions:
        return {}
    primary = primary_server(desired.model)
    if desired.canary is None or desired.topology == "shared":
        return {primary: ServerSpec(desired.versions, desired.names)}
    names = {name: version for name, version in desired.names.items() if name != Label.CANARY}
    elsewhere = {desired.canary} - {*names.values(), *desired.kept}
    return {
        primary: ServerSpec(tuple(v for v in desired.versions if v not in elsewhere), names),
        canary_server(desired.model): ServerSpec((desired.canary,), {Label.CANARY: desired.canary}),
    }


def routes(desired: DesiredState) -> dict[Track, Route]:
    """Where each track must lead in the end. A track of weight 0 is routed too: a client may force it."""
    if desired.stable is None:
        return {}
    primary = primary_server(desired.model)
    found = {Track.STABLE: Route(primary, Label.STABLE)}
    if desired.canary is not None:
        name = primary if desired.topology == "shared" else canary_server(desired.model)
        found[Track.CANARY] = Route(name, Label.CANARY)
        if desired.mirror:
            found[Track.SHADOW] = Route(name, Label.CANARY)
    return {**found, **{track: Route(primary, LABEL_OF[track]) for track in desired.variants}}
