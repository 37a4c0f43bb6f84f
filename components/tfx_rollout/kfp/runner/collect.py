"""What a task gave, read from its files as the launcher reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.values import Value, as_value, from_text

Json = dict[str, Any]


def executor_output(path: Path) -> Json:
    """The task's ExecutorOutput as JSON; empty where it wrote none. Raises TaskFault where it is not strictly one."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as fault:
        raise TaskFault(f"its output file {path} cannot be read ({fault})") from fault
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2 as messages

    try:
        found = json.loads(text)
        json_format.ParseDict(_without_custom_paths(found), messages.ExecutorOutput(), ignore_unknown_fields=False)
    except (ValueError, json_format.ParseError) as fault:
        said = " ".join(str(fault).split()).rstrip(".")
        raise TaskFault(f"its output file {path.name} is no ExecutorOutput ({said})") from fault
    assert isinstance(found, dict)
    return found


def output_parameters(outputs: Mapping[str, Any], output: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Value]:
    """The output parameters: from the ExecutorOutput, else each from its own file. Raises TaskFault where one is missing."""
    parameters: dict[str, Value] = {key: as_value(value) for key, value in _either(output, "parameterValues").items()}
    for key, place in outputs.get("parameters", {}).items():
        if key in parameters:
            continue
        kind = definitions["parameters"][key].get("parameterType", "")
        try:
            parameters[key] = from_text(Path(place["outputFile"]).read_text(encoding="utf-8"), kind)
        except FileNotFoundError as fault:
            raise TaskFault(f"it did not write its output parameter {key!r} (to {place['outputFile']})") from fault
        except (OSError, ValueError) as fault:
            raise TaskFault(f"its output parameter {key!r} is not of type {kind} ({fault})") from fault
    return parameters


def output_artifacts(outputs: Mapping[str, Any], output: Mapping[str, Any]) -> dict[str, Json]:
    """Each provisioned artifact with what the task changed of it.

    The first artifact alone, and of it the uri, the metadata and the path: the launcher
    ignores the rest, name and type included.
    """
    merged: dict[str, Json] = {}
    written = output.get("artifacts", {})
    for key, place in outputs.get("artifacts", {}).items():
        artifact = {name: place["artifacts"][0][name] for name in ("uri", "metadata") if name in place["artifacts"][0]}
        for changed in written.get(key, {}).get("artifacts", [])[:1]:
            artifact["uri"] = changed.get("uri") or artifact["uri"]
            if "metadata" in changed:
                artifact["metadata"] = {**artifact.get("metadata", {}), **as_value(changed["metadata"])}
            if custom := changed.get("customPath") or changed.get("custom_path"):
                artifact["customPath"] = custom
        merged[key] = artifact
    return merged


def _either(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A field under its JSON name or its own, both of which the parsers take."""
    own = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    found: Mapping[str, Any] = message.get(name, message.get(own, {}))
    return found


def _without_custom_paths(found: Any) -> Any:
    """The message as kfp's older releases know it: they have no `customPath`, which the launcher reads all the same."""
    if not isinstance(found, dict) or not isinstance(found.get("artifacts"), dict):
        return found
    artifacts = {}
    for key, given in found["artifacts"].items():
        if isinstance(given, dict) and isinstance(given.get("artifacts"), list):
            given = {**given, "artifacts": [_plain(artifact) for artifact in given["artifacts"]]}
        artifacts[key] = given
    return {**found, "artifacts": artifacts}


def _plain(artifact: Any) -> Any:
    if not isinstance(artifact, dict):
        return artifact
    return {key: value for key, value in artifact.items() if key not in ("customPath", "custom_path")}
