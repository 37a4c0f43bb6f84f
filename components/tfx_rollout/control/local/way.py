"""How far what is in force is from what is desired, and the way there, as documents. Pure."""

from __future__ import annotations

from tfx_rollout import traffic
from tfx_rollout.control.documents import Difference, PlannedStep
from tfx_rollout.traffic import (
    Await,
    Configure,
    DesiredState,
    ObservedState,
    SetTraffic,
    StartServer,
    Step,
    StopServer,
    Stuck,
    in_words,
    rehearse,
)


def differences(desired: DesiredState, observed: ObservedState | None, *, served: bool) -> list[Difference]:
    """The points in which what is in force is not what is desired.

    `observed` None: nothing is in force, because no supervisor serves or it has not seen the model yet.
    """
    found = traffic.differences(desired, observed, supervised=served)
    return [Difference(what=each.what, wanted=each.wanted, found=each.found, why=each.why) for each in found]


def planned_steps(desired: DesiredState, observed: ObservedState | None) -> list[PlannedStep]:
    """The steps that the supervisor takes from what is in force to what is desired."""
    return [_document(step) for step in rehearse(desired, observed)]


def _document(step: Step) -> PlannedStep:
    words = in_words(step)
    match step:
        case StartServer(server, spec) | Configure(server, spec):
            kind = "start_server" if isinstance(step, StartServer) else "configure"
            labels = {str(label): version for label, version in spec.labels.items()}
            return PlannedStep(kind=kind, words=words, server=server, versions=list(spec.versions), labels=labels)
        case SetTraffic(split, routes):
            shares = {str(track): split.share(track) for track in routes if track in traffic.WEIGHTED}
            return PlannedStep(kind="set_traffic", words=words, shares=shares)
        case StopServer(server):
            return PlannedStep(kind="stop_server", words=words, server=server)
        case Stuck():
            return PlannedStep(kind="stuck", words=words)
        case _:
            assert isinstance(step, Await)
            return PlannedStep(kind="await", words=words)
