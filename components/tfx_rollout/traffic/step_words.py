"""A step in words, for people: what is being done or waited for."""

from __future__ import annotations

from tfx_rollout.traffic.placement import ServerSpec
from tfx_rollout.traffic.steps import Await, Configure, SetTraffic, StartServer, Step, StopServer, Stuck


def in_words(step: Step) -> str:
    """What is done or waited for, without an end mark; empty when settled."""
    match step:
        case StartServer(server, spec):
            return f"start server {server} with {_spec(spec)}"
        case Configure(server, spec):
            return f"configure server {server} with {_spec(spec)}"
        case SetTraffic(split, routes):
            return f"set the split to {split}" if routes else "send no requests to any server"
        case StopServer(server):
            return f"stop server {server}"
        case Await(what):
            return f"wait for {what}"
        case Stuck(reason):
            return reason
        case _:
            return ""


def _spec(spec: ServerSpec) -> str:
    labels = ", ".join(f"{label} {version}" for label, version in spec.labels.items())
    return f"versions {list(spec.versions)}" + (f" and labels {labels}" if labels else "")
