"""The tensors of a REST predict request and answer (json_tensor.cc). Pure: numpy and JSON values only.

A request is in row form (`instances`: one entry per example) or columnar form
(`inputs`: one entry per tensor); the answer is in the form of its request
(`predictions` or `outputs`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfx_rollout.model_server.dtypes import DType
from tfx_rollout.model_server.json_values import debug_string, format_error, type_name
from tfx_rollout.model_server.status import Code, ServingError


@dataclass(frozen=True)
class JsonInputs:
    """The arrays of a request by input alias, and whether it was in row form."""

    arrays: Mapping[str, np.ndarray]
    row_form: bool


def signature_name(document: Mapping[str, Any]) -> str:
    """The request's `signature_name`, "" when it has none."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise format_error(document, "not formatted correctly. 'signature_name' key must be a string value.")
    return name


def read_inputs(document: Mapping[str, Any], inputs: Mapping[str, DType]) -> JsonInputs:
    """The tensors of a request for a signature with these inputs (alias to type)."""
    if "instances" in document and "inputs" in document:
        raise format_error(document, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ")
    if "instances" in document:
        instances = document["instances"]
        if not isinstance(instances, list):
            raise format_error(document, "Expecting 'instances' to be an list/array")
        if not instances:
            raise format_error(document, "No values in 'instances' array")
        return JsonInputs(_rows(instances, inputs), True)
    if "inputs" in document:
        return JsonInputs(_columns(document["inputs"], inputs), False)
    raise _invalid("Missing 'inputs' or 'instances' key")


class _Column:
    """The values of one input, gathered element by element; all elements must agree in shape."""

    def __init__(self, dtype: DType) -> None:
        self.dtype = dtype
        self.values: list[Any] = []
        self.shape: tuple[int, ...] | None = None
        self.size = 0

    def add(self, item: Any) -> None:
        before = len(self.values)
        shape = _dense_shape(item)
        _flatten(item, 0, shape, self.dtype, self.values)
        size = len(self.values) - before
        if self.shape is None:
            self.shape, self.size = shape, size
        elif self.size != size:
            raise _invalid(f"Expecting tensor size: {self.size} but got: {size}")
        elif self.shape != shape:
            raise _invalid(f"Expecting shape {_shape_text(self.shape)} but got: {_shape_text(shape)}")


def _rows(instances: list[Any], inputs: Mapping[str, DType]) -> Mapping[str, np.ndarray]:
    if not isinstance(instances[0], dict) and len(inputs) > 1:
        raise _invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map"
        )
    columns = {alias: _Column(dtype) for alias, dtype in inputs.items()}
    objects = _is_named(instances[0])
    only = next(iter(inputs))
    for index, element in enumerate(instances):
        if _is_named(element) != objects:
            raise _invalid(
                f"Expecting object but got list at item {index} of input list"
                if objects
                else f"Expecting value/list but got object at item {index} of input list"
            )
        if objects:
            _add_named(index, element, columns)
        else:
            _add(index, None, element, columns[only])
    count = len(instances)
    return {alias: _array(column.values, (count, *(column.shape or ())), column.dtype) for alias, column in columns.items()}


def _add_named(index: int, element: Mapping[str, Any], columns: Mapping[str, _Column]) -> None:
    for alias, item in element.items():
        column = columns.get(alias)
        if column is None:
            raise _element_error(index, alias, _invalid(f"JSON object: does not have named input: {alias}"))
        _add(index, alias, item, column)
    if len(element) != len(columns):
        raise _invalid(
            f"Failed to process element: {index} of 'instances' list. JSON object: {debug_string(element)} "
            f"keys must be equal to: {','.join(sorted(columns))}"
        )


def _add(index: int, alias: str | None, item: Any, column: _Column) -> None:
    try:
        column.add(item)
    except ServingError as error:
        raise _element_error(index, alias, error) from None


def _element_error(index: int, alias: str | None, error: ServingError) -> ServingError:
    key = f" key: {alias}" if alias is not None else ""
    return _invalid(f"Failed to process element: {index}{key} of 'instances' list. Error: {error}")


def _columns(value: Any, inputs: Mapping[str, DType]) -> Mapping[str, np.ndarray]:
    if not _is_named(value):
        if len(inputs) > 1:
            raise _invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map"
            )
        alias, dtype = next(iter(inputs.items()))
        return {alias: _whole(value, dtype)}
    arrays: dict[str, np.ndarray] = {}
    for alias, dtype in inputs.items():
        if alias not in value:
            raise _invalid(f"Missing named input: {alias} in 'inputs' object.")
        arrays[alias] = _whole(value[alias], dtype)
    return arrays


def _whole(value: Any, dtype: DType) -> np.ndarray:
    shape = _dense_shape(value)
    values: list[Any] = []
    _flatten(value, 0, shape, dtype, values)
    return _array(values, shape, dtype)


def _array(values: list[Any], shape: tuple[int, ...], dtype: DType) -> np.ndarray:
    if dtype.is_string:
        array = np.empty(len(values), object)
        array[:] = values
    elif dtype.field == "int_val":
        array = np.array(values, np.int64).astype(dtype.numpy)
    else:
        with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, as in C++
            array = np.array(values, dtype.numpy)
    return array.reshape(shape)


def _dense_shape(value: Any) -> tuple[int, ...]:
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def _flatten(value: Any, level: int, shape: tuple[int, ...], dtype: DType, out: list[Any]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise _invalid(
                f"JSON Value: {debug_string(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        out.append(_leaf(value, dtype))
        return
    if level >= len(shape):
        raise _invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise _invalid(f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}")
    for item in value:
        _flatten(item, level + 1, shape, dtype, out)


_INTEGER_RANGE = {
    "int8": (-(2**31), 2**31),
    "int16": (-(2**31), 2**31),
    "int32": (-(2**31), 2**31),
    "uint8": (-(2**31), 2**31),
    "int64": (-(2**63), 2**63),
    "uint32": (0, 2**32),
    "uint64": (0, 2**64),
}


def _leaf(value: Any, dtype: DType) -> Any:
    if dtype.is_string:
        return _string(value, dtype)
    kind = type(value)
    if dtype.name in ("float", "double"):
        if kind is float or kind is int:
            return value
    elif dtype.name == "bool":
        if kind is bool:
            return value
    elif dtype.name in _INTEGER_RANGE:
        low, high = _INTEGER_RANGE[dtype.name]
        if kind is int and low <= value < high:
            return value
    elif kind is not dict:
        raise ServingError(Code.UNIMPLEMENTED, f"Conversion of JSON Value: {debug_string(value)} to type: {dtype.name}")
    raise _type_error(value, dtype)


def _string(value: Any, dtype: DType) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise _invalid("JSON Parse error: The surrogate pair in string is invalid.") from None
    if not isinstance(value, dict):
        raise _type_error(value, dtype)
    if not _is_base64(value):
        raise format_error(value, "not formatted correctly for base64 data")
    # absl::Base64Unescape takes missing padding and blanks.
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _invalid("Unable to base64 decode") from None


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _type_error(value: Any, dtype: DType) -> ServingError:
    return format_error(value, f"Type: {type_name(value)} is not of expected type: {dtype.name}")


def _shape_text(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def _invalid(message: str) -> ServingError:
    return ServingError(Code.INVALID_ARGUMENT, message)
