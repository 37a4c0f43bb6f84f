"""The JSON of TensorFlow Serving's REST `:predict`, to and from tensors. Pure.

Source: TensorFlow Serving's REST API guide. The row form (`instances`) is used where
every tensor has an open first dimension, as clients do; else the column form (`inputs`).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfx_rollout.saved_model import Signature, TensorSpec
from tfx_rollout.validation.requests import Request, Tensors, numpy_dtype


class UnexpectedForm(ValueError):
    """An answer's JSON that is not what the signature promises."""


def row_form(signature: Signature) -> bool:
    """Whether a signature can be asked row by row."""
    return all(spec.batched for spec in [*signature.inputs.values(), *signature.outputs.values()])


def body(request: Request, signature: Signature) -> dict[str, Any]:
    """The request's JSON-able body."""
    values = {name: _jsonable(tensor.tolist()) for name, tensor in request.inputs.items()}
    if not row_form(signature):
        return {"signature_name": signature.name, "inputs": values}
    rows = next(iter(request.inputs.values())).shape[0]
    return {
        "signature_name": signature.name,
        "instances": [{name: column[row] for name, column in values.items()} for row in range(rows)],
    }


def outputs(answer: Any, signature: Signature) -> Tensors:
    """The answer's tensors. `UnexpectedForm` says in what they differ from the signature."""
    key = "predictions" if row_form(signature) else "outputs"
    if not isinstance(answer, Mapping) or key not in answer:
        raise UnexpectedForm(f"the answer has no {key!r}")
    values = answer[key]
    names = list(signature.outputs)
    if len(names) == 1:
        columns = {names[0]: values}
    elif key == "predictions":
        if not isinstance(values, list) or not all(isinstance(row, Mapping) for row in values):
            raise UnexpectedForm("the predictions are no list of objects, though the signature has several outputs")
        columns = {name: [row[name] for row in values if name in row] for name in sorted({n for row in values for n in row})}
    elif isinstance(values, Mapping):
        columns = dict(values)
    else:
        raise UnexpectedForm("the outputs are no object, though the signature has several")
    known = signature.outputs
    return {name: _tensor(value, known[name], name) if name in known else np.array(value) for name, value in columns.items()}


def _tensor(value: Any, spec: TensorSpec, name: str) -> NDArray[Any]:
    dtype = numpy_dtype(spec.dtype)
    shape = _shape_of(value)
    leaves = list(_leaves(value))
    if int(np.prod(shape)) != len(leaves):
        raise UnexpectedForm(f"output {name} is no rectangular array")
    array: NDArray[Any] = np.empty(len(leaves), dtype)
    for at, leaf in enumerate(leaves):
        array[at] = _scalar(leaf, spec.dtype, name)
    return array.reshape(shape)


def _scalar(leaf: Any, dtype: str, name: str) -> Any:
    if dtype == "string":
        if isinstance(leaf, Mapping) and set(leaf) == {"b64"}:
            return base64.b64decode(leaf["b64"])
        if isinstance(leaf, str):
            return leaf.encode()
    elif dtype == "bool":
        if isinstance(leaf, bool):
            return leaf
    elif isinstance(leaf, int if "int" in dtype else (int, float)) and not isinstance(leaf, bool):
        return leaf
    raise UnexpectedForm(f"output {name} has the value {leaf!r}, which is no {dtype}")


def _shape_of(value: Any) -> tuple[int, ...]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def _leaves(value: Any) -> Any:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _jsonable(value: Any) -> Any:
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if isinstance(value, bytes):
        text = value.decode("utf-8", "replace")
        return text if text.encode() == value and text.isprintable() else {"b64": base64.b64encode(value).decode()}
    return value
