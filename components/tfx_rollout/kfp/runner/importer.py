"""`dsl.importer`: an artifact that is there already, taken into the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.artifacts import stored_metadata
from tfx_rollout.kfp.runner.locations import BUCKETS, Locations
from tfx_rollout.kfp.runner.scope import Scope
from tfx_rollout.kfp.runner.values import Value, as_value, json_text


def imported(
    importer: Mapping[str, Any], task: Mapping[str, Any], scope: Scope, locations: Locations
) -> tuple[str, dict[str, Value]]:
    """The uri (mapped) and the metadata of the artifact. Raises TaskFault where the importer's launcher would fail.

    That is: no uri, one from another task's output (it reads parameters of the pipeline
    alone), or one that is in no bucket.
    """
    uri = _uri(importer.get("artifactUri", {}), task, scope)
    local = locations.text(uri)
    if not uri:
        raise TaskFault("the uri to import is empty")
    if not uri.startswith(BUCKETS) and not locations.in_a_bucket(uri):
        raise TaskFault(f"the uri {uri!r} is in no bucket, and open-source KFP imports {', '.join(BUCKETS)} alone")
    if not local.startswith("/"):
        raise TaskFault(f"the uri {uri!r} is not on this machine; map its bucket with mounts")
    try:
        metadata = stored_metadata(as_value(importer.get("metadata", {})))
    except ValueError as fault:
        raise TaskFault(str(fault)) from fault
    provider = locations.provider(local)
    return local, {**metadata, "store_session_info": json_text({"Provider": provider, "Params": {"fromEnv": "true"}})}


def _uri(source: Mapping[str, Any], task: Mapping[str, Any], scope: Scope) -> str:
    if "constant" in source:
        return str(source["constant"])
    wanted = source.get("runtimeParameter", "")
    given = task.get("inputs", {}).get("parameters", {}).get(wanted, {})
    parameter = given.get("componentInputParameter")
    if parameter is None or parameter not in scope.parameters:
        raise TaskFault(
            f"the uri to import is the parameter {wanted!r}, which is no parameter of the pipeline; "
            "open-source KFP's importer reads no other task's output"
        )
    return str(scope.parameters[parameter] or "")
