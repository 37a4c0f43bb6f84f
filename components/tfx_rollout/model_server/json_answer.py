"""The JSON of a REST predict answer, laid out as rapidjson's PrettyWriter lays out TensorFlow Serving's. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import numpy as np

from tfx_rollout.model_server.dtypes import dtype_of_array
from tfx_rollout.model_server.json_numbers import format_floats
from tfx_rollout.model_server.json_values import newline, quote
from tfx_rollout.model_server.status import Code, ServingError

_BYTES_SUFFIX = "_bytes"
_INTEGERS = frozenset({"int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"})


def write_answer(outputs: Mapping[str, np.ndarray], *, row_form: bool) -> bytes:
    """The answer's body: `predictions` per example in row form, `outputs` per tensor otherwise.

    Raises ServingError INVALID_ARGUMENT for outputs that the form cannot carry.
    """
    if not outputs:
        raise ServingError(Code.INVALID_ARGUMENT, "Cannot convert empty tensor map to JSON")
    text = _row_form(outputs) if row_form else _columnar_form(outputs)
    return text.encode(errors="surrogateescape")


def _row_form(outputs: Mapping[str, np.ndarray]) -> str:
    batch = -1
    for alias, array in outputs.items():
        if array.ndim == 0:
            raise ServingError(Code.INVALID_ARGUMENT, f"Tensor name: {alias} has no shape information ")
        if batch not in (-1, array.shape[0]):
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Tensor name: {alias} has inconsistent batch size: {array.shape[0]} expecting: {batch}",
            )
        batch = array.shape[0]
    head = "{" + newline(1) + '"predictions": ['
    tail = (newline(1) if batch else "") + "]" + newline(0) + "}"
    if len(outputs) == 1:
        ((alias, array),) = outputs.items()
        items = _OneLine(_scalars(alias, array, level=2)).nest(array.shape)
        return head + ", ".join(items) + tail
    columns = {alias: _OneLine(_scalars(alias, array, level=3)).nest(array.shape) for alias, array in outputs.items()}
    rows = []
    for index in range(batch):
        members = ",".join(newline(3) + quote(alias) + ": " + items[index] for alias, items in columns.items())
        rows.append(newline(2) + "{" + members + newline(2) + "}")
    return head + ",".join(rows) + tail


def _columnar_form(outputs: Mapping[str, np.ndarray]) -> str:
    if len(outputs) == 1:
        ((alias, array),) = outputs.items()
        return "{" + newline(1) + '"outputs": ' + _indented(alias, array, 1) + newline(0) + "}"
    members = ",".join(newline(2) + quote(alias) + ": " + _indented(alias, array, 2) for alias, array in outputs.items())
    return "{" + newline(1) + '"outputs": {' + members + newline(1) + "}" + newline(0) + "}"


class _OneLine:
    """Nests flat texts into JSON arrays that stay on one line."""

    def __init__(self, scalars: list[str]) -> None:
        self._items = scalars

    def nest(self, shape: tuple[int, ...]) -> list[str]:
        """The texts of the entries along the first dimension of `shape`."""
        items = self._items
        for axis in range(len(shape) - 1, 0, -1):
            size = shape[axis]
            count = int(np.prod(shape[:axis], dtype=np.int64))
            items = ["[" + ", ".join(items[i * size : (i + 1) * size]) + "]" for i in range(count)]
        return items


def _indented(alias: str, array: np.ndarray, level: int) -> str:
    """A whole tensor with one entry a line; `level` is the indent of the line it starts on."""
    items = _scalars(alias, array, level=level + array.ndim)
    for axis in range(array.ndim - 1, -1, -1):
        size = array.shape[axis]
        count = int(np.prod(array.shape[:axis], dtype=np.int64))
        inner, outer = newline(level + axis + 1), newline(level + axis)
        items = [
            "[" + inner + ("," + inner).join(items[i * size : (i + 1) * size]) + outer + "]" if size else "[]"
            for i in range(count)
        ]
    return items[0]


def _scalars(alias: str, array: np.ndarray, *, level: int) -> list[str]:
    """The texts of all values in order; `level` indents the lines of `{"b64": …}` objects."""
    dtype = dtype_of_array(array)
    flat = array.reshape(-1)
    if dtype.name in ("float", "double"):
        return format_floats(flat)
    if dtype.name == "bool":
        return ["true" if v else "false" for v in flat.tolist()]
    if dtype.name in _INTEGERS:
        return list(map(str, flat.tolist()))
    if dtype.is_string:
        if alias.endswith(_BYTES_SUFFIX):
            inner, outer = newline(level + 1), newline(level)
            return ["{" + inner + '"b64": "' + base64.b64encode(v).decode() + '"' + outer + "}" for v in flat.tolist()]
        return [quote(v.decode(errors="surrogateescape")) for v in flat.tolist()]
    raise ServingError(Code.INVALID_ARGUMENT, f"Failed to write JSON value for tensor type: {dtype.name}")
