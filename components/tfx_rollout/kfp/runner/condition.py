"""Conditions of tasks (`triggerPolicy.condition`), evaluated as the driver does: CEL over the task's inputs.

What CEL cannot decide is a fault of the task, never False: a missing key of an artifact's
metadata, say, fails the task on a cluster.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.values import Value, as_value


def holds(condition: str, inputs: Mapping[str, Any]) -> bool:
    """Whether the task is to run. `inputs` is the `inputs` of its ExecutorInput. Raises TaskFault where CEL cannot tell."""
    result = _evaluate(condition, {"inputs": _fields(inputs)}, f"its condition {condition!r}")
    if not isinstance(result, _types().BoolType):
        raise TaskFault(f"its condition {condition!r} gives {result!r}, not true or false")
    return bool(result)


def select(value: Value, selector: str) -> Value:
    """A part of a parameter, by its `parameterExpressionSelector`. Raises TaskFault."""
    fields: dict[str, Any] = {"string_value": value if isinstance(value, str) else json.dumps(value)}
    names: dict[type, str] = {bool: "bool_value", float: "number_value", list: "list_value", dict: "struct_value"}
    if type(value) in names:
        fields[names[type(value)]] = value
    return _plain(_evaluate(selector, fields, f"the selector {selector!r}"))


def _evaluate(expression: str, fields: Mapping[str, Any], what: str) -> Any:
    import celpy
    from celpy.evaluation import CELSyntaxError, CELUnsupportedError

    environment = celpy.Environment()
    try:
        program = environment.program(
            environment.compile(expression),
            functions={"_==_": _equal, "_!=_": _unequal, "parseJson": _parse_json},
        )
        return program.evaluate({name: _cel(value) for name, value in fields.items()})
    except (celpy.CELParseError, celpy.CELEvalError, CELSyntaxError, CELUnsupportedError) as fault:
        said = " ".join(str(part) for part in fault.args[:1] or ("it cannot be evaluated",)).strip().splitlines()[0]
        raise TaskFault(f"{what} cannot be decided ({_short(said)}{_missing(fault)})") from fault


def _missing(fault: Exception) -> str:
    """The key that CEL did not find, which its error keeps apart from the sentence."""
    keys = fault.args[2] if len(fault.args) > 2 and fault.args[0] == "no such key" else ()
    return f" {str(keys[0])!r}" if keys else ""


def _short(text: str, most: int = 200) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _fields(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The message's fields by the names that CEL knows them under."""
    artifacts = {
        key: {"artifacts": [{"name": a["name"], "uri": a["uri"], "metadata": a["metadata"]} for a in found["artifacts"]]}
        for key, found in inputs.get("artifacts", {}).items()
    }
    return {"artifacts": artifacts, "parameter_values": dict(inputs.get("parameterValues", {}))}


@cache
def _types() -> Any:
    from celpy import celtypes

    return celtypes


def _cel(value: Value) -> Any:
    types = _types()
    if isinstance(value, bool):
        return types.BoolType(value)
    if isinstance(value, float):
        return types.DoubleType(value)
    if isinstance(value, str):
        return types.StringType(value)
    if isinstance(value, list):
        return types.ListType([_cel(item) for item in value])
    if isinstance(value, dict):
        return types.MapType({types.StringType(key): _cel(item) for key, item in value.items()})
    return value


def _plain(result: Any) -> Value:
    types = _types()
    if isinstance(result, types.BoolType):
        return bool(result)
    if isinstance(result, types.MapType):
        return {str(key): _plain(item) for key, item in result.items()}
    if isinstance(result, types.ListType):
        return [_plain(item) for item in result]
    if isinstance(result, int | float):
        return float(result)
    return str(result) if isinstance(result, str) else result


def _equal(left: Any, right: Any) -> Any:
    """CEL's equality as the cluster's cel-go has it: numbers of all kinds compare, other kinds differ. celpy refuses both."""
    types = _types()
    for side in (left, right):
        if isinstance(side, Exception):
            return side
    numbers = [isinstance(side, int | float) and not isinstance(side, types.BoolType) for side in (left, right)]
    if all(numbers):
        return types.BoolType(float(left) == float(right))
    if any(numbers) or type(left) is not type(right):
        return types.BoolType(False)
    return types.BoolType(bool(left == right))


def _unequal(left: Any, right: Any) -> Any:
    same = _equal(left, right)
    return same if isinstance(same, Exception) else _types().BoolType(not same)


def _parse_json(text: Any) -> Any:
    return _cel(as_value(json.loads(str(text))))
