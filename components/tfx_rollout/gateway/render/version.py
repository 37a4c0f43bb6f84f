"""The answer's header `x-model-version` where the server does not write it itself.

It is written on the way back from the server, by a filter of the cluster, so that what the
gateway answers itself never has it. The number comes with the route.
"""

from __future__ import annotations

from typing import Any

from tfx_rollout.gateway.naming import VERSION_HEADER, Protocol

VERSION_FILTER = "tfx_rollout.version"
_MUTATION = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3."


def version_filter() -> dict[str, Any]:
    """A cluster's filter that does what the route of a request tells it."""
    return {"name": VERSION_FILTER, "typed_config": {"@type": f"{_MUTATION}HeaderMutation"}}


def told_version(version: int | None, protocol: Protocol) -> dict[str, Any]:
    """What a route tells the filter."""
    if version is None:
        return {}
    if protocol == "rest":
        mutations = {"response_mutations": [_absent(str(version))]}
    else:
        mutations = {
            "response_trailers_mutations": [_absent(str(version))],
            "response_mutations": [_absent(f"%CEL('grpc-status' in response.headers ? '{version}' : '')%")],
        }
    return {VERSION_FILTER: {"@type": f"{_MUTATION}HeaderMutationPerRoute", "mutations": mutations}}


def _absent(value: str) -> dict[str, Any]:
    return {"append": {"header": {"key": VERSION_HEADER, "value": value}, "append_action": "ADD_IF_ABSENT"}}
