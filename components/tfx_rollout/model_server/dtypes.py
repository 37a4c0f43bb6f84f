"""TensorFlow's data types: their numbers, names and numpy counterparts. Imports no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DType:
    """One data type. `name` is what error texts call it (DataTypeString), `field` the TensorProto field of its values.

    `numpy` is None for types that no request can carry (resources, variants, quantized types).
    """

    number: int
    name: str
    numpy: np.dtype | None
    field: str

    @property
    def is_string(self) -> bool:
        return self.number == STRING


STRING = 7
BFLOAT16 = 14

_TYPES = (
    DType(1, "float", np.dtype(np.float32), "float_val"),
    DType(2, "double", np.dtype(np.float64), "double_val"),
    DType(3, "int32", np.dtype(np.int32), "int_val"),
    DType(4, "uint8", np.dtype(np.uint8), "int_val"),
    DType(5, "int16", np.dtype(np.int16), "int_val"),
    DType(6, "int8", np.dtype(np.int8), "int_val"),
    DType(STRING, "string", np.dtype(object), "string_val"),
    DType(8, "complex64", np.dtype(np.complex64), "scomplex_val"),
    DType(9, "int64", np.dtype(np.int64), "int64_val"),
    DType(10, "bool", np.dtype(np.bool_), "bool_val"),
    DType(17, "uint16", np.dtype(np.uint16), "int_val"),
    DType(18, "complex128", np.dtype(np.complex128), "dcomplex_val"),
    DType(19, "half", np.dtype(np.float16), "half_val"),
    DType(22, "uint32", np.dtype(np.uint32), "uint32_val"),
    DType(23, "uint64", np.dtype(np.uint64), "uint64_val"),
)
_OTHER_NAMES = {11: "qint8", 12: "quint8", 13: "qint32", 15: "qint16", 16: "quint16", 20: "resource", 21: "variant"}

BY_NUMBER = {t.number: t for t in _TYPES}
_BY_NUMPY = {t.numpy: t for t in _TYPES}


def dtype_of(number: int) -> DType:
    """The type of this number (a DataType enum value)."""
    if number == BFLOAT16:
        import ml_dtypes  # comes with TensorFlow; numpy itself has no bfloat16

        return DType(BFLOAT16, "bfloat16", np.dtype(ml_dtypes.bfloat16), "half_val")
    return BY_NUMBER.get(number) or DType(number, _OTHER_NAMES.get(number, f"unknown dtype enum ({number})"), None, "")


def dtype_of_array(array: np.ndarray) -> DType:
    """The type of an array that the runtime returned."""
    found = _BY_NUMPY.get(array.dtype)
    if found is not None:
        return found
    if array.dtype.name == "bfloat16":
        return dtype_of(BFLOAT16)
    raise TypeError(f"There is no TensorProto form for arrays of {array.dtype}.")
