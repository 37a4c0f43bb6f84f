"""From the arrays of an answer to what a person would call the prediction, one value a row. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

USUAL_OUTPUTS = ("classes", "predictions", "scores", "probabilities", "outputs")
"""Of several outputs the first of these is taken for the prediction, unless one is named."""
MAX_ROWS = 100
"""Rows of a larger batch are left out."""
MAX_TEXT = 100
"""Characters of a text that are kept."""

Value = str | float


def prediction_output(outputs: Mapping[str, np.ndarray], wanted: str | None) -> str | None:
    """The alias of the output that is the prediction: the wanted one, the only one, or a usual one; None without any."""
    if wanted is not None:
        return wanted if wanted in outputs else None
    if len(outputs) == 1:
        return next(iter(outputs))
    return next((name for name in USUAL_OUTPUTS if name in outputs), None)


def row_values(outputs: Mapping[str, np.ndarray], alias: str) -> list[Value] | None:
    """The prediction of each row as output `alias` tells it; None where its shape or type tells none.

    Class scores (floats `[n, k]`) become the index of the largest as text, a single float
    the number to three significant digits, texts, integers and booleans their text.
    Texts or integers `[n, k]` beside floats of the same shape name the classes of these
    scores, as in TensorFlow's classify signatures: then it is the one of the largest score.
    """
    array = outputs[alias]
    rows = array.shape[0] if array.ndim else 1
    if not array.size or array.dtype.kind == "c":
        return None
    table = array.reshape(rows, -1)[:MAX_ROWS]
    if table.shape[1] == 1:
        column = table[:, 0]
        return [_rounded(value) for value in column.tolist()] if _is_float(array) else [_text(value) for value in column.tolist()]
    if array.ndim != 2:
        return None
    if _is_float(array):
        return [str(index) for index in table.argmax(axis=1).tolist()]
    scores = next((other for other in outputs.values() if other.shape == array.shape and _is_float(other)), None)
    if scores is None:
        return None
    best = scores[:MAX_ROWS].argmax(axis=1)
    return [_text(table[row, index]) for row, index in enumerate(best.tolist())]


def _is_float(array: np.ndarray) -> bool:
    return array.dtype.kind == "f" or array.dtype.name == "bfloat16"


def _rounded(value: float) -> Value:
    return float(f"{value:.3g}") if math.isfinite(value) else str(value)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    return str(value)[:MAX_TEXT]
