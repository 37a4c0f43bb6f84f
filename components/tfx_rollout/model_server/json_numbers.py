"""Floats as TensorFlow Serving writes them in JSON (`WriteDecimal` of json_tensor.cc). Pure.

Six significant digits where that is the same number again in its own type, else as
many as its type needs (9 or 17); `.0` behind whole numbers; `NaN` and `Infinity` bare.
"""

from __future__ import annotations

import math

import numpy as np


def format_floats(array: np.ndarray) -> list[str]:
    """The texts of a one-dimensional float32 or float64 array."""
    values = array.tolist()
    short = [f"{v:g}" for v in values]
    same = np.fromiter(map(float, short), np.float64, len(short)).astype(array.dtype) == array
    full = "%.9g" if array.dtype == np.float32 else "%.17g"
    return [
        _finish(text if again else full % value, value) for text, again, value in zip(short, same.tolist(), values, strict=True)
    ]


def _finish(text: str, value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return text if "." in text or "e" in text else text + ".0"
