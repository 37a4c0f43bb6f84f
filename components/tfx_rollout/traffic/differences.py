"""In what the state that is in force is not the desired one, and what keeps it from becoming so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tfx_rollout.traffic.desired import DesiredState
from tfx_rollout.traffic.observed import ObservedState, Route, ServerObservation, VersionState
from tfx_rollout.traffic.placement import ServerSpec, place, routes
from tfx_rollout.traffic.split import Split
from tfx_rollout.traffic.track import LABEL_OF, WEIGHTED, Label, Track

What = Literal["generation", "server", "version", "label", "alias", "share", "mirror", "fault"]


@dataclass(frozen=True)
class Difference:
    """One point in which what is in force is not what is desired.

    `wanted` and `found` are words about the same thing, `why` is one sentence: what is waited
    for, or what stands in the way.
    """

    what: What
    wanted: str
    found: str
    why: str


def differences(desired: DesiredState, observed: ObservedState | None, *, supervised: bool = True) -> tuple[Difference, ...]:
    """All differences, from the whole to the parts: generation, servers, versions, labels, shares.

    `observed` None: no supervisor has seen the model yet. `supervised`: whether a supervisor
    runs now; without one what was observed is what the last one saw.
    """
    seen = observed or ObservedState(desired.model)
    now = _now(observed, supervised)
    return (*_generation(desired, seen, now), *_servers(desired, seen, now), *_traffic(desired, seen, now))


def _now(observed: ObservedState | None, supervised: bool) -> str:
    """What goes on, for differences that have no cause of their own."""
    if not supervised:
        return "No supervisor serves this root; start one (`tfx-rollout serve`)."
    if observed is None:
        return "The supervisor has not seen this model yet."
    if observed.fault is not None:
        return f"The supervisor cannot go on: {_sentence(observed.fault)}"
    return f"The supervisor's next step: {observed.step}." if observed.step else "The supervisor has not come to it yet."


def _generation(desired: DesiredState, seen: ObservedState, now: str) -> Iterator[Difference]:
    if seen.generation != desired.generation:
        found = f"generation {seen.generation}" if seen.generation else "none"
        yield Difference("generation", f"generation {desired.generation}", found, now)
    if seen.fault is not None:
        yield Difference("fault", "no fault", seen.fault, "What serves goes on; mend it, or ask for another state.")


def _servers(desired: DesiredState, seen: ObservedState, now: str) -> Iterator[Difference]:
    specs = place(desired)
    for name, spec in specs.items():
        server = seen.server(name)
        if server is None or not server.ready:
            yield _absent(name, server, now)
        yield from _versions(spec, server or ServerObservation(name), now)
        yield from _labels(spec, server or ServerObservation(name), now)
    for server in seen.servers:
        if server.name not in specs:
            yield Difference("server", f"no server {server.name}", f"server {server.name} holds {_listed(server)}", now)


def _absent(name: str, server: ServerObservation | None, now: str) -> Difference:
    if server is None:
        return Difference("server", f"server {name} answers", f"no server {name}", now)
    again = f", started again {server.restarts} times until now" if server.restarts > 1 else ""
    why = f"It is starting and loads its versions{again}." if server.pid is not None else f"It is down{again}."
    return Difference("server", f"server {name} answers", f"server {name} does not answer", why)


def _versions(spec: ServerSpec, server: ServerObservation, now: str) -> Iterator[Difference]:
    for version in spec.versions:
        if server.available(version):
            continue
        state = server.versions.get(version)
        wanted, found = f"version {version} AVAILABLE on {server.name}", f"version {version} {state or 'not there'}"
        yield Difference("version", wanted, found, _why_not_loaded(version, server, now))
    for version, state in server.versions.items():
        if version not in spec.versions and state in (VersionState.AVAILABLE, VersionState.UNLOADING):
            yield Difference("version", f"version {version} not on {server.name}", f"version {version} {state}", now)


def _why_not_loaded(version: int, server: ServerObservation, now: str) -> str:
    if version in server.errors:
        return f"It does not load: {_sentence(server.errors[version])}"
    if server.ready and server.versions.get(version) in (VersionState.START, VersionState.LOADING):
        return "It is loading."
    if version in server.configured_versions:
        return f"Server {server.name} was told to load it." if server.ready else f"Server {server.name} does not answer."
    return now


def _labels(spec: ServerSpec, server: ServerObservation, now: str) -> Iterator[Difference]:
    for name, version in spec.labels.items():
        found = server.labels.get(name)
        if found == version:
            continue
        if not server.available(version):
            why = f"It waits for version {version} on {server.name}, since a label names only what is AVAILABLE."
        elif server.configured_labels.get(name) == version:
            why = f"Server {server.name} was told, and has not confirmed it yet."
        else:
            why = now
        kind = _kind(name)
        wanted = f"{kind} {name} names version {version} on {server.name}"
        yield Difference(kind, wanted, "it names no version" if found is None else f"it names version {found}", why)
    for name, version in server.labels.items():
        if name not in spec.labels:
            kind = _kind(name)
            yield Difference(kind, f"no {kind} {name} on {server.name}", f"it names version {version}", now)


def _traffic(desired: DesiredState, seen: ObservedState, now: str) -> Iterator[Difference]:
    wanted, split = routes(desired), seen.split or Split()
    for track in WEIGHTED:
        if track not in wanted and track not in seen.routes:
            continue
        ours, theirs = _share(desired.split, wanted, track), _share(split, seen.routes, track)
        if ours != theirs:
            yield Difference("share", f"{track} {ours}", f"{track} {theirs}", _why_no_share(track, desired, seen, now))
    if (Track.SHADOW in wanted) != (Track.SHADOW in seen.routes):
        copies = f"copies of {desired.mirror / 100:g} % of the requests" if desired.mirror else "no copies of requests"
        found = "copies of requests" if Track.SHADOW in seen.routes else "no copies of requests"
        yield Difference("mirror", copies, found, _why_no_share(Track.SHADOW, desired, seen, now))


def _share(split: Split, leads: Mapping[Track, Route], track: Track) -> str:
    """The share of a track in words; one that is not routed cannot even be asked for."""
    return f"{split.units(track) / 100:g} %" if track in leads else "not routed"


def _why_no_share(track: Track, desired: DesiredState, seen: ObservedState, now: str) -> str:
    """A track without its share waits for its version, unless the gateway has only not been told yet."""
    wanted = routes(desired)
    # What stable has too much is what a track that is not there yet has too little.
    waiting = wanted if track is Track.STABLE else wanted.keys() & {track}
    for each in waiting:
        route, version = wanted[each], desired.labels[LABEL_OF[each]]
        server = seen.server(route.server)
        if server is None or not server.available(version) or server.labels.get(route.label) != version:
            return f"It waits until version {version} answers as {route.label} on {route.server}."
    return now


def _kind(name: str) -> Literal["label", "alias"]:
    return "label" if name in {label.value for label in Label} else "alias"


def _listed(server: ServerObservation) -> str:
    held = [version for version, state in server.versions.items() if state is VersionState.AVAILABLE]
    return f"versions {', '.join(map(str, held))}" if held else "no versions"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
