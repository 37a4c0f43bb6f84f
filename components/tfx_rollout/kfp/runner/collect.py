"""What a task gave, read from its files as the launcher reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.values import Value, as_value, from_text, kind_name

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

    message = messages.ExecutorOutput()
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError(f"it is {kind_name(as_value(found))}")
        plain, paths = _without_custom_paths(found)
        json_format.ParseDict(plain, message, ignore_unknown_fields=False)
    except (ValueError, json_format.ParseError) as fault:
        said = " ".join(str(fault).split()).rstrip(".")
        raise TaskFault(f"its output file {path.name} is no ExecutorOutput ({said})") from fault
    # In the one form that JSON of a message can have here: no nulls, no other names of fields.
    output: Json = json_format.MessageToDict(message)
    for key, custom in paths.items():
        output["artifacts"][key]["artifacts"][0]["customPath"] = custom
    return output


def output_parameters(outputs: Mapping[str, Any], output: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Value]:
    """The output parameters: from the ExecutorOutput, else each from its own file. Raises TaskFault where one is missing."""
    parameters: dict[str, Value] = {key: as_value(value) for key, value in output.get("parameterValues", {}).items()}
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
            if changed.get("customPath"):
                artifact["customPath"] = changed["customPath"]
        merged[key] = artifact
    return merged


def _without_custom_paths(found: Json) -> tuple[Json, dict[str, str]]:
    """The message without `customPath`, which kfp's older releases do not know, and that of each first artifact."""
    artifacts: Json = {}
    paths: dict[str, str] = {}
    if not isinstance(found.get("artifacts"), dict):
        return found, paths
    for key, given in found["artifacts"].items():
        if not isinstance(given, dict) or not isinstance(given.get("artifacts"), list):
            artifacts[key] = given
            continue
        plain = []
        for number, artifact in enumerate(given["artifacts"]):
            rest = dict(artifact) if isinstance(artifact, dict) else artifact
            if isinstance(rest, dict):
                custom = rest.pop("customPath", None) or rest.pop("custom_path", None)
                if number == 0 and isinstance(custom, str):
                    paths[key] = custom
            plain.append(rest)
        artifacts[key] = {**given, "artifacts": plain}
    return {**found, "artifacts": artifacts}, paths
