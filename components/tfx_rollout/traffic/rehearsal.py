"""The way from what is in force to what is desired, told before it is gone: a dry run. Pure.

The supervisor's own decisions are taken, one after another, on ideal servers: they do what
they are told, as soon as it is waited for. A version that is known not to load stays so.
"""

from __future__ import annotations

from dataclasses import replace

from tfx_rollout.traffic.desired import DesiredState
from tfx_rollout.traffic.observed import ObservedState, ServerObservation, VersionState
from tfx_rollout.traffic.placement import ServerSpec
from tfx_rollout.traffic.steps import Await, Configure, Settled, SetTraffic, StartServer, Step, StopServer, Stuck
from tfx_rollout.traffic.transition import next_step

MOST = 200
"""More steps than any way has; every change of labels, versions, split or servers takes a few."""


def rehearse(desired: DesiredState, observed: ObservedState | None) -> tuple[Step, ...]:
    """The steps that the supervisor would take, in their order; none where nothing is to be done.

    `Await` says what it waits for in between. `Stuck` comes last where the desired state
    cannot be reached; otherwise the last step brings it into force. `observed` None: nothing
    serves yet.
    """
    return rehearsal(desired, observed)[0]


def rehearsal(desired: DesiredState, observed: ObservedState | None) -> tuple[tuple[Step, ...], ObservedState]:
    """The steps, and what would be in force after them."""
    now = observed or ObservedState(desired.model)
    steps: list[Step] = []
    drained = True
    for _ in range(MOST):
        step = next_step(desired, now, drained=drained)
        if isinstance(step, Settled):
            return tuple(steps), replace(now, generation=desired.generation)
        steps.append(step)
        if isinstance(step, Stuck):
            break
        drained = isinstance(step, Await) or (drained and not isinstance(step, SetTraffic))
        now = after_step(step, now)
    return tuple(steps), now


def after_step(step: Step, now: ObservedState) -> ObservedState:
    """What is in force when the step has been taken, by servers and a gateway that do as they are told."""
    match step:
        case StartServer(name, spec):
            started = ServerObservation(name, configured_versions=spec.versions, configured_labels=spec.labels)
            return replace(now, servers=tuple(sorted((*now.servers, started), key=lambda server: server.name)))
        case Configure(name, spec):
            return replace(now, servers=tuple(_configured(s, spec) if s.name == name else s for s in now.servers))
        case StopServer(name):
            return replace(now, servers=tuple(server for server in now.servers if server.name != name))
        case SetTraffic(split, routes):
            return replace(now, split=split, routes=dict(routes))
        case _:
            return replace(now, servers=tuple(map(_obedient, now.servers)))


def _configured(server: ServerObservation, spec: ServerSpec) -> ServerObservation:
    return replace(server, configured_versions=spec.versions, configured_labels=spec.labels)


def _obedient(server: ServerObservation) -> ServerObservation:
    """The server when it has done all that it was told."""
    broken = {version: error for version, error in server.errors.items() if version in server.configured_versions}
    states = dict.fromkeys(server.configured_versions, VersionState.AVAILABLE) | dict.fromkeys(broken, VersionState.END)
    labels = {label: version for label, version in server.configured_labels.items() if version not in broken}
    return replace(server, ready=True, versions=states, labels=labels, errors=broken)
