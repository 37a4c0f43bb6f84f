"""Parameter values: JSON values whose numbers are all doubles, and the texts that KFP makes of them.

On a cluster a value is a protobuf Value, which knows one kind of number. It is a double in
expressions, and is written without a point where it is whole, as Go writes it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Value = Any
"""None, bool, float, str, list or dict; never an int."""

_GO_EXPONENT = 1e21
_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}
_PYTHON_KINDS: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "NUMBER_INTEGER": (float,),
    "NUMBER_DOUBLE": (float,),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
    "TASK_FINAL_STATUS": (dict,),
}
_NAMES = {type(None): "null", bool: "a bool", float: "a number", str: "a string", list: "a list", dict: "an object"}


def as_value(given: Any) -> Value:
    """The value with every number as a double. Raises ValueError for what JSON does not have (NaN, a set)."""
    if given is None or isinstance(given, bool | str):
        return given
    if isinstance(given, int | float):
        if not math.isfinite(given):
            raise ValueError(f"{given} is no number of JSON")
        return float(given)
    if isinstance(given, list | tuple):
        return [as_value(item) for item in given]
    if isinstance(given, Mapping):
        return {str(key): as_value(item) for key, item in given.items()}
    raise ValueError(f"a {type(given).__name__} is no JSON")


def json_text(value: Value) -> str:
    """JSON as KFP's Go programs write it: 7 for 7.0, and no ASCII escapes."""
    return json.dumps(_written(value), ensure_ascii=False, separators=(",", ":"))


def placeholder_text(value: Value) -> str:
    """What a placeholder of an input parameter becomes. Raises ValueError for null, which KFP's launcher refuses."""
    if value is None:
        raise ValueError("null has no text")
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Without an exponent, whatever its size.
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return json_text(value)


def from_text(text: str, kind: str) -> Value:
    """An output parameter from its file, by the type that its component declares. Raises ValueError where it is none."""
    stripped = text.strip()
    if kind == "STRING":
        return text
    if kind == "BOOLEAN":
        if stripped not in _TRUE | _FALSE:
            raise ValueError(f"{stripped!r} is no bool")
        return stripped in _TRUE
    if kind in ("NUMBER_INTEGER", "NUMBER_DOUBLE"):
        if "_" in stripped:
            raise ValueError(f"{stripped!r} is no number")
        return float(int(stripped)) if kind == "NUMBER_INTEGER" else float(stripped)
    value = as_value(json.loads(text))
    if not fits(value, kind):
        raise ValueError(f"it is {kind_name(value)}")
    return value


def fits(value: Value, kind: str) -> bool:
    """Whether a value is of a parameter type of the IR (`NUMBER_INTEGER`, …). The server looks no closer, nor does this."""
    return type(value) in _PYTHON_KINDS.get(kind, ())


def kind_name(value: Value) -> str:
    """What a person calls it: "a number", "an object"."""
    return _NAMES.get(type(value), f"a {type(value).__name__}")


def kind_wanted(kind: str) -> str:
    """What a person calls a parameter type of the IR."""
    return _NAMES[_PYTHON_KINDS[kind][0]] if kind in _PYTHON_KINDS else f"of type {kind}"


def _written(value: Value) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < _GO_EXPONENT:
        return int(value)
    if isinstance(value, list):
        return [_written(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items()}
    return value
