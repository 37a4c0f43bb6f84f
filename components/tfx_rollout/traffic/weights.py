"""Which split and routes are safe now, on the way to the wanted ones. Pure.

Every track but stable (canary, shadow, variants) follows the same order: its route comes when
its server answers for its version by its label, its weight then; and a track whose version
does not answer has no weight. What it had goes to stable. Weight never moves onto a stable
track that is not ready, except away from a track that answers nothing at all.
"""

from __future__ import annotations

from tfx_rollout.traffic.desired import DesiredState
from tfx_rollout.traffic.observed import ObservedState, Route
from tfx_rollout.traffic.placement import routes
from tfx_rollout.traffic.split import Split
from tfx_rollout.traffic.steps import Await, SetTraffic
from tfx_rollout.traffic.track import LABEL_OF, WEIGHTED, Label, Track


def serves(observed: ObservedState, route: Route, version: int) -> bool:
    """Whether this route is answered by this version, and stays so: server ready, version AVAILABLE, label in force,
    and none of it about to vanish because the configuration last written no longer has it."""
    server = observed.server(route.server)
    return (
        server is not None
        and server.available(version)
        and server.labels.get(route.label) == version
        and version in server.configured_versions
        and server.configured_labels.get(route.label) == version
    )


def cut_off(desired: DesiredState, observed: ObservedState) -> SetTraffic | None:
    """Weight 0 for every track beside stable that has weight and does not answer; None where there is none."""
    if observed.split is None:
        return None
    silent = {
        track
        for track in WEIGHTED
        if track is not Track.STABLE and observed.split.units(track) and not _answers(observed, observed.routes.get(track))
    }
    if not silent:
        return None
    labels = {LABEL_OF[track] for track in silent}
    kept = {
        track: route
        for track, route in observed.routes.items()
        if route.label not in labels or _same_version(track, desired, observed)
    }
    return SetTraffic(observed.split.only(set(WEIGHTED) - silent), kept)


def next_traffic(desired: DesiredState, observed: ObservedState) -> SetTraffic | Await | None:
    """The next safe split and routes; None when those in force are the wanted ones."""
    wanted = routes(desired)
    in_force = observed.split or Split()
    if desired.stable is None:
        return SetTraffic(Split(), {}) if observed.routes else None
    stable_route = wanted[Track.STABLE]
    stable_ready = serves(observed, stable_route, desired.stable)
    waiting = Await(f"version {desired.stable} as {Label.STABLE} on {stable_route.server}")
    if not stable_ready and Track.STABLE not in observed.routes:
        return waiting
    leads = {Track.STABLE: stable_route}
    for track in wanted:
        route = _safe_route(track, desired, observed)
        if route is not None:
            leads[track] = route
    live = {track for track, route in leads.items() if serves(observed, route, desired.labels[LABEL_OF[track]])}
    split = desired.split.only(live)
    if split.stable > in_force.stable and not stable_ready:
        return waiting
    if observed.split != split or dict(observed.routes) != leads:
        return SetTraffic(split, leads)
    missing = [track for track in wanted if track is not Track.STABLE and (track not in live or leads[track] != wanted[track])]
    if missing:
        label = LABEL_OF[missing[0]]
        return Await(f"version {desired.labels[label]} as {label} on {wanted[missing[0]].server}")
    return None if stable_ready else waiting


def _answers(observed: ObservedState, route: Route | None) -> bool:
    """Whether this route is answered by any version at all."""
    server = None if route is None else observed.server(route.server)
    version = None if server is None or route is None else server.labels.get(route.label)
    return version is not None and server is not None and server.available(version)


def _same_version(track: Track, desired: DesiredState, observed: ObservedState) -> bool:
    """Whether a track in force is a wanted one whose server is set to the wanted version, ready or not."""
    route = observed.routes.get(track)
    server = None if route is None else observed.server(route.server)
    return (
        route is not None
        and route == routes(desired).get(track)
        and server is not None
        and server.configured_labels.get(route.label) == desired.labels.get(LABEL_OF[track])
    )


def _safe_route(track: Track, desired: DesiredState, observed: ObservedState) -> Route | None:
    """Where a wanted track beside stable should lead right now, if anywhere."""
    if track is Track.STABLE:
        return None
    wanted, now = routes(desired)[track], observed.routes.get(track)
    version = desired.labels[LABEL_OF[track]]
    if serves(observed, wanted, version):
        return wanted
    if now is not None and (serves(observed, now, version) or _same_version(track, desired, observed)):
        return now
    return None
