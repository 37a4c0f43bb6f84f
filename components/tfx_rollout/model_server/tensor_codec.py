"""TensorProto to numpy and back, as `Tensor::FromProto` and `Tensor::AsProtoField` do it.

Outputs are written as bytes: a cached prefix of data type and shape, then the values
in their typed field. The bodies of packed float, double and bool fields are the
array's own bytes; integers need varints and go through protobuf. `tensor_content` is
read, never written.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from tensorflow.core.framework import tensor_pb2

from tfx_rollout.model_server.dtypes import DType, dtype_of, dtype_of_array

_PACKED_FIELD = {"float_val": 5, "double_val": 6, "scomplex_val": 9, "bool_val": 11, "dcomplex_val": 12}
_STRING_TAG = bytes([8 << 3 | 2])


class TensorParsingError(ValueError):
    """A TensorProto that says no tensor: unknown type, impossible shape, content of the wrong size."""


def decode(proto: Any) -> np.ndarray:
    """The array a TensorProto stands for.

    As in TensorFlow a typed field with fewer values than the shape asks for repeats its
    last one, an empty one means zeros. Strings become an object array of bytes.
    """
    dtype = dtype_of(proto.dtype)
    if dtype.numpy is None or proto.tensor_shape.unknown_rank:
        raise TensorParsingError
    shape = tuple(d.size for d in proto.tensor_shape.dim)
    if any(size < 0 for size in shape):
        raise TensorParsingError
    count = 1
    for size in shape:
        count *= size
    if proto.tensor_content:
        return _from_content(proto.tensor_content, dtype, count).reshape(shape)
    return _from_field(getattr(proto, dtype.field), dtype, count).reshape(shape)


def _from_content(content: bytes, dtype: DType, count: int) -> np.ndarray:
    if dtype.is_string or dtype.numpy is None or len(content) != count * dtype.numpy.itemsize:
        raise TensorParsingError
    return np.frombuffer(content, dtype.numpy)


def _from_field(values: Any, dtype: DType, count: int) -> np.ndarray:
    given = len(values)
    if dtype.is_string:
        strings = list(values[:count])
        strings += [strings[-1] if strings else b""] * (count - len(strings))
        array = np.empty(count, object)
        array[:] = strings
        return array
    if dtype.numpy is None:
        raise TensorParsingError
    if dtype.field in ("scomplex_val", "dcomplex_val"):
        part = np.float32 if dtype.field == "scomplex_val" else np.float64
        parts = np.fromiter(values, part, given)
        array = parts[: given // 2 * 2].view(dtype.numpy)
    elif dtype.field == "half_val":
        array = np.fromiter(values, np.int64, given).astype(np.uint16).view(dtype.numpy)
    elif dtype.field == "int_val":
        # Wraps like the C++ cast of an int32 to the narrower type.
        array = np.fromiter(values, np.int64, given).astype(dtype.numpy)
    else:
        array = np.fromiter(values, dtype.numpy, given)
    if len(array) >= count:
        return array[:count]
    padded = np.zeros(count, dtype.numpy)
    padded[: len(array)] = array
    if len(array):
        padded[len(array) :] = array[-1]
    return padded


def encode(array: np.ndarray) -> bytes:
    """The bytes of a TensorProto that holds this array in its typed field."""
    dtype = dtype_of_array(array)
    head = _head(dtype.number, array.shape)
    if not array.size:
        return head
    if dtype.is_string:
        return head + b"".join(_string_values(array))
    field = _PACKED_FIELD.get(dtype.field)
    if field is not None:
        body = np.ascontiguousarray(array).tobytes()
        return head + bytes([field << 3 | 2]) + varint(len(body)) + body
    flat = array.reshape(-1)
    values = flat.view(np.uint16).tolist() if dtype.field == "half_val" else flat.tolist()
    return head + tensor_pb2.TensorProto(**{dtype.field: values}).SerializeToString()


def _string_values(array: np.ndarray) -> list[bytes]:
    parts: list[bytes] = []
    for value in array.reshape(-1).tolist():
        data = value if isinstance(value, bytes) else str(value).encode()
        parts += (_STRING_TAG, varint(len(data)), data)
    return parts


@lru_cache(maxsize=4096)
def _head(number: int, shape: tuple[int, ...]) -> bytes:
    proto = tensor_pb2.TensorProto(dtype=number)
    proto.tensor_shape.SetInParent()
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    return proto.SerializeToString()


def varint(number: int) -> bytes:
    """A non-negative integer in protobuf's base-128 form."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
