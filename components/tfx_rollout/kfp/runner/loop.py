"""`dsl.ParallelFor`: what a loop goes over, and what it gives of what its rounds gave."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.scope import Artifacts, Outputs
from tfx_rollout.kfp.runner.values import Value, as_value, kind_name

Json = Mapping[str, Any]


def item_input(task: Json) -> str | None:
    """The parameter that each round of a loop gets an item in; None where the task is no loop."""
    iterator = task.get("parameterIterator")
    return None if iterator is None else str(iterator["itemInput"])


def rounds(task: Json, parameters: Mapping[str, Value]) -> list[dict[str, Value]]:
    """The parameters of each round, for the parameters of the loop. Raises TaskFault where there is no list to go over."""
    iterator = task["parameterIterator"]
    source = iterator.get("items", {}).get("inputParameter")
    found: Value = iterator.get("items", {}).get("raw", "") if source is None else parameters.get(source)
    if isinstance(found, str):
        try:
            found = as_value(json.loads(found))
        except ValueError as fault:
            raise TaskFault(f"it cannot go over {found!r}, which is no JSON ({fault})") from fault
    if not isinstance(found, list):
        raise TaskFault(f"it goes over a list, but got {kind_name(found)}")
    others = {key: value for key, value in parameters.items() if key != source}
    return [{**others, iterator["itemInput"]: item} for item in found]


def collected(given: Sequence[Outputs]) -> Outputs:
    """The outputs of all rounds, each a list in their order (dsl.Collected). A round without one is left out."""
    parameters: dict[str, Value] = {}
    artifacts: dict[str, Artifacts] = {}
    for outputs in given:
        for key, value in outputs.parameters.items():
            parameters.setdefault(key, []).append(value)
        for key, found in outputs.artifacts.items():
            artifacts[key] = (*artifacts.get(key, ()), *found)
    return Outputs(parameters, artifacts)
