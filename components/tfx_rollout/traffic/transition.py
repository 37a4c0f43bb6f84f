"""The safe order between what is in force and what is desired: one step at a time. Pure.

Every step is decided anew from the desired and the observed state alone, so nothing has to
be remembered between steps, and a crash at any instant leaves nothing to repair.

Forward: a version is AVAILABLE on every server that needs it, then its label is set and
confirmed, then the gateway sends requests there. Back: weight 0 is in force and the
requests of before are over (`drained`), then the label goes, then the version is unloaded, then the
server stops. What follows from this:

- An existing label moves only to a version that is AVAILABLE, by a configuration that
  drops nothing; what it named before is unloaded by a later one. TensorFlow Serving
  resolves a label and takes hold of the version atomically, and unloads a version only
  when the requests that hold it have ended, so the move loses no request.
- Promotion, `dedicated`: the primary loads the candidate, moves the label `stable` to it,
  and only then does the gateway send everything to `stable`. Until then the canary keeps
  its share, so the share of the new version never drops. Last, the canary's server unloads
  and stops (unloading first waits for its running requests, whatever server it is).
- A canary or a variant that does not answer gets weight 0 at once, and its weight back when
  it is AVAILABLE and labelled again. Weight never moves onto a stable track that is not ready.
- A variant whose label is to name another version has no weight while the label moves.
- An alias is set and moved as a label is, only to a version that is AVAILABLE.
- A canary's server that holds another version is replaced by a fresh process.
- A version that does not load (END with an error) blocks only what needs it: `Stuck` is
  the answer when nothing else is left to do.

It does not restart processes: a server that is observed but not ready is the supervisor's
to bring back, with the configuration it had; `Configure` may still change that one.
"""

from __future__ import annotations

from collections.abc import Mapping

from tfx_rollout.traffic.desired import DesiredState
from tfx_rollout.traffic.observed import ObservedState, ServerObservation, VersionState
from tfx_rollout.traffic.placement import ServerSpec, place, primary_server
from tfx_rollout.traffic.steps import Await, Configure, Settled, SetTraffic, StartServer, Step, StopServer, Stuck
from tfx_rollout.traffic.weights import cut_off, next_traffic

_GONE = (VersionState.END, VersionState.UNKNOWN)


def next_step(desired: DesiredState, observed: ObservedState, *, drained: bool) -> Step:
    """The one step to take now on the way to `desired`.

    `drained`: whether split and routes have been in force for so long that requests begun
    before are over, by a clock that nobody sets. Call it again with a fresh observation
    after the step is applied; `Settled` ends the way. After a `SetTraffic` that is after the
    gateway has confirmed it: until then `observed` would not show a route that may come into
    force at any moment.
    """
    specs = place(desired)
    cut = cut_off(desired, observed)
    if cut is not None:
        return cut
    for name, spec in specs.items():
        if observed.server(name) is None:
            return StartServer(name, spec)
    traffic = next_traffic(desired, observed)
    if isinstance(traffic, SetTraffic):
        return traffic
    waiting: list[Step] = [] if traffic is None else [traffic]
    for server in observed.servers:
        target = specs.get(server.name)
        if target is None or _is_replaced(server, target, desired):
            step: Step | None = _retire(server, observed, drained)
        else:
            step = _converge(server, target, observed, drained)
        if isinstance(step, (Configure, StopServer)):
            return step
        if step is not None:
            waiting.append(step)
    stuck = _stuck(specs, observed)
    if stuck is not None:
        return stuck
    return waiting[0] if waiting else Settled()


def _is_replaced(server: ServerObservation, target: ServerSpec, desired: DesiredState) -> bool:
    return server.name != primary_server(desired.model) and not set(server.configured_versions) & set(target.versions)


def _converge(server: ServerObservation, target: ServerSpec, observed: ObservedState, drained: bool) -> Configure | Await | None:
    """Bring a wanted server nearer to its target; None when it is there."""
    spec = _next_spec(server, target, observed, drained)
    if spec != ServerSpec(server.configured_versions, server.configured_labels):
        return Configure(server.name, spec)
    if not server.ready:
        return Await(f"server {server.name} to answer")
    for version in target.versions:
        if not server.available(version):
            return Await(f"version {version} to load on {server.name}")
    for label, version in target.labels.items():
        if server.labels.get(label) != version:
            return Await(f"label {label} to name version {version} on {server.name}")
    if spec != target:
        return Await(f"requests to drain from {server.name}")
    for label in server.labels:
        if label not in target.labels:
            return Await(f"label {label} to go from {server.name}")
    for version, state in server.versions.items():
        if version not in target.versions and state not in _GONE:
            return Await(f"version {version} to unload from {server.name}")
    return None


def _next_spec(server: ServerObservation, target: ServerSpec, observed: ObservedState, drained: bool) -> ServerSpec:
    """The configuration nearest to the target that is safe to write now."""
    labels: dict[str, int] = {}
    for label, version in target.labels.items():
        if server.available(version):
            labels[label] = version
        elif label in server.configured_labels:
            labels[label] = server.configured_labels[label]
    in_use = {route.label for route in observed.routes.values() if route.server == server.name}
    for label, version in server.configured_labels.items():
        if label not in target.labels and (label in in_use or not drained):
            labels[label] = version
    versions = {*target.versions, *labels.values()}
    # A server that does not answer has no running requests to spare, and may be down because of a version it must drop.
    if server.ready and not (drained and dict(server.labels) == labels):
        versions.update(server.configured_versions)
    return ServerSpec(tuple(versions), labels)


def _retire(server: ServerObservation, observed: ObservedState, drained: bool) -> Configure | StopServer | Await:
    """Empty a server that is not wanted, then stop it."""
    if any(route.server == server.name for route in observed.routes.values()):
        return Await(f"no request to be sent to {server.name}")
    if not server.ready:
        return StopServer(server.name)
    if not drained:
        return Await(f"requests to drain from {server.name}")
    if not any(state in (VersionState.AVAILABLE, VersionState.UNLOADING) for state in server.versions.values()):
        return StopServer(server.name)
    if server.configured_versions or server.configured_labels:
        return Configure(server.name, ServerSpec())
    return Await(f"{server.name} to unload what it holds")


def _stuck(specs: Mapping[str, ServerSpec], observed: ObservedState) -> Stuck | None:
    for name, spec in specs.items():
        server = observed.server(name)
        if server is None or not server.ready:
            continue
        for version in spec.versions:
            ended = server.versions.get(version) is VersionState.END
            if ended and version in server.configured_versions and server.errors.get(version):
                return Stuck(f"version {version} does not load on {name}: {server.errors[version]}")
    return None
