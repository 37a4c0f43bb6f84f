"""What KFP's launcher hands to a task, made into what TFX's entrypoint can read. JSON in, JSON out, no TFX.

Open-source KFP's driver leaves the type of an input artifact empty (`{}`, no type at all,
or an `instanceSchema` of ""), while TFX makes a class of it. The task's own arguments tell
what it should be: TFX compiles the inputs' specification into them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tfx_rollout.errors import InvalidInput

Json = dict[str, Any]
LOGS = "executor-logs"


def parse_json(text: str, flag: str) -> Json:
    """The JSON object that a flag of the entrypoint carries. `InvalidInput` where it is none."""
    try:
        value = json.loads(text)
    except ValueError as fault:
        raise InvalidInput(f"{flag} is no JSON ({fault}); KFP's launcher fills it in, so compile the pipeline anew.") from fault
    if not isinstance(value, dict):
        raise InvalidInput(f"{flag} is {type(value).__name__}, not an object; KFP's launcher fills it in, so compile anew.")
    return value


def restore_types(executor_input: Json, inputs_spec: Json) -> Json:
    """A copy in which each input artifact has a type: its own where it has one, else the one the task declares.

    `InvalidInput` for an artifact with neither.
    """
    restored = copy.deepcopy(executor_input)
    declared = inputs_spec.get("artifacts", {})
    for key, artifact in _artifacts(restored, "inputs"):
        if _typed(artifact):
            continue
        of_the_task = declared.get(key, {}).get("artifactType")
        if not of_the_task:
            raise InvalidInput(
                f"The input artifact {key!r} has no type, and --json_serialized_inputs_spec_args does not tell it; "
                "compile the pipeline with use_pipeline_spec_2_1=True (compile_for_kubeflow does)."
            )
        artifact["type"] = copy.deepcopy(of_the_task)
    return restored


def without_logs(executor_input: Json) -> Json:
    """A copy without the output that KFP adds to those of each task for its log."""
    left = copy.deepcopy(executor_input)
    left.get("outputs", {}).get("artifacts", {}).pop(LOGS, None)
    return left


def uris(executor_input: Json) -> Iterator[tuple[str, str]]:
    """Each artifact's uri, with what it is (`input model`, `output examples`)."""
    for side in ("inputs", "outputs"):
        for key, artifact in _artifacts(executor_input, side):
            yield f"{side[:-1]} {key}", str(artifact.get("uri", ""))


def _typed(artifact: Mapping[str, Any]) -> bool:
    kind = artifact.get("type") or {}
    return bool(str(kind.get("schemaTitle", "")).strip() or str(kind.get("instanceSchema", "")).strip())


def _artifacts(executor_input: Mapping[str, Any], side: str) -> Iterator[tuple[str, Json]]:
    for key, found in executor_input.get(side, {}).get("artifacts", {}).items():
        for artifact in found.get("artifacts", ()):
            yield key, artifact
