"""From examples to requests: pure conversions over numpy arrays and dicts.

Arrays of strings have dtype `object` and hold `bytes`, as TensorFlow's do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfx_rollout.saved_model import Signature, TensorSpec
from tfx_rollout.saved_model.signature import PREDICT

Tensors = Mapping[str, NDArray[Any]]
Row = Mapping[str, Sequence[Any]]
"""The features of one example: a list of `bytes`, `float` or `int` by name."""


class Unfit(ValueError):
    """The examples cannot be turned into requests for this signature; the text says why."""


@dataclass(frozen=True, eq=False)
class Request:
    """One request of one example. `number` is the example's place in the split, from 1."""

    number: int
    signature: str
    inputs: Tensors

    def content(self) -> bytes:
        """A digest of names, dtypes, shapes and values: equal for equal requests only."""
        digest = hashlib.sha256(self.signature.encode())
        for name, tensor in sorted(self.inputs.items()):
            digest.update(repr((name, tensor.dtype.str, tensor.shape)).encode())
            if tensor.dtype == object:
                for value in tensor.ravel():
                    digest.update(len(value).to_bytes(8, "little") + value)
            else:
                digest.update(np.ascontiguousarray(tensor).tobytes())
        return digest.digest()

    def __str__(self) -> str:
        values = ", ".join(f"{name}={_shown(tensor)}" for name, tensor in sorted(self.inputs.items()))
        shown = values if len(values) <= 300 else values[:300] + " …"
        return f"request {self.number} of {self.signature} ({shown})"


def numpy_dtype(dtype: str) -> np.dtype[Any]:
    """The numpy dtype that holds a signature's dtype; `bfloat16`, which numpy lacks, is held as `float32`."""
    named = {"string": "object", "bfloat16": "float32"}.get(dtype, dtype)
    try:
        return np.dtype(named)
    except TypeError as fault:
        raise Unfit(f"{dtype} is no dtype that a request can carry") from fault


def takes_serialized(signature: Signature, features: Iterable[str]) -> bool:
    """Whether a signature wants whole serialized examples: one string input that no feature is named after."""
    if len(signature.inputs) != 1:
        return False
    name, spec = next(iter(signature.inputs.items()))
    return spec.dtype == "string" and (spec.shape is None or len(spec.shape) == 1) and name not in set(features)


def make_requests(signature: Signature, records: Sequence[bytes], rows: Sequence[Row], maximum: int) -> list[Request]:
    """Up to `maximum` distinct requests for the signature, in the order of the examples.

    `records` are the serialized examples and `rows` the same ones parsed. Raises `Unfit`
    where they cannot be turned into requests at all.
    """
    if signature.method not in (PREDICT, ""):
        raise Unfit(f"its method is {signature.method}, and only signatures of {PREDICT} are tested")
    features = {name for row in rows for name in row}
    made: Iterator[Tensors]
    if takes_serialized(signature, features):
        made = _serialized(signature, records)
    elif features & set(signature.inputs):
        made = ({name: tensor(row.get(name, ()), spec, name) for name, spec in signature.inputs.items()} for row in rows)
    else:
        raise Unfit(
            f"none of its inputs ({', '.join(sorted(signature.inputs))}) is a feature of the examples "
            f"({', '.join(sorted(features)) or 'which have none'})"
        )
    distinct: dict[bytes, Request] = {}
    for number, inputs in enumerate(made, start=1):
        request = Request(number, signature.name, inputs)
        distinct.setdefault(request.content(), request)
        if len(distinct) == maximum:
            break
    return list(distinct.values())


def tensor(values: Sequence[Any], spec: TensorSpec, name: str) -> NDArray[Any]:
    """One example's values as a tensor for this input, with a batch of one in front.

    A missing feature becomes the dtype's default: an empty string, zero, false.
    """
    dtype = numpy_dtype(spec.dtype)
    size, shape = _extent(values, spec, name)
    if values and (spec.dtype == "string") != isinstance(values[0], bytes):
        held = "bytes" if isinstance(values[0], bytes) else "numbers"
        raise Unfit(f"feature {name} holds {held}, and the input is {spec.dtype}")
    default = b"" if spec.dtype == "string" else 0
    filled = list(values) or [default] * size
    array: NDArray[Any] = np.empty(len(filled), dtype)
    array[:] = filled
    return array.reshape(shape)


def _extent(values: Sequence[Any], spec: TensorSpec, name: str) -> tuple[int, tuple[int, ...]]:
    """How many values the input takes for one example, and the tensor's shape."""
    given = max(len(values), 1)
    if spec.shape is None:
        return given, (1,) if given == 1 else (1, given)
    if spec.shape and spec.shape[0] not in (None, 1):
        raise Unfit(f"input {name} takes batches of exactly {spec.shape[0]}")
    inner = spec.shape[1:]
    known = 1
    for dimension in inner:
        known *= 1 if dimension is None else dimension
    open_dimensions = sum(dimension is None for dimension in inner)
    if open_dimensions > 1:
        raise Unfit(f"input {name} has {open_dimensions} dimensions of any size, and an example has only one")
    if (open_dimensions == 0 and values and given != known) or known == 0 or (given % known and values):
        raise Unfit(f"feature {name} has {given} values in an example, and the input takes {known}")
    size = max(given, known) if open_dimensions else known
    shape = tuple(size // known if dimension is None else dimension for dimension in inner)
    return size, ((1, *shape) if spec.shape else ())


def _serialized(signature: Signature, records: Sequence[bytes]) -> Iterator[Tensors]:
    (name,) = signature.inputs
    for record in records:
        array = np.empty(1, object)
        array[0] = record
        yield {name: array}


def _shown(array: NDArray[Any]) -> str:
    values = [v.decode("utf-8", "backslashreplace") if isinstance(v, bytes) else v for v in array.ravel().tolist()[:4]]
    text = ", ".join(repr(v if not isinstance(v, str) or len(v) <= 40 else v[:40] + "…") for v in values)
    return text if array.size == 1 else f"[{text}{', …' if array.size > 4 else ''}]"
