"""What a Predict answer says about its one row. Pure.

Only as far as a client can tell that knows nothing of the model: an answer with class
scores, with one score, or with a class by name or number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

USUAL_OUTPUTS = ("classes", "predictions", "scores", "probabilities", "outputs")
"""Of several outputs the first of these is taken for the prediction, as the embedded model server does."""

# Field of TensorProto by the number of the dtype (tensorflow/core/framework/types.proto).
_FIELDS = {1: "float_val", 2: "double_val", 3: "int_val", 7: "string_val", 9: "int64_val", 10: "bool_val"}

Value = str | float
"""A class by its name or index as text, or a single score."""


def rest_prediction(body: bytes) -> Value | None:
    """The prediction of the first row of a REST answer in row form; None where it tells none."""
    try:
        row = json.loads(body)["predictions"][0]
    except (ValueError, LookupError, TypeError):
        return None
    outputs = row if isinstance(row, dict) else {"predictions": row}
    return _prediction({name: value if isinstance(value, list) else [value] for name, value in outputs.items()})


def grpc_prediction(response: Any) -> Value | None:
    """The prediction of a PredictResponse for one row; None where it tells none."""
    outputs = {}
    for name, tensor in response.outputs.items():
        values = list(getattr(tensor, _FIELDS.get(tensor.dtype, "float_val")))
        outputs[name] = [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]
    return _prediction(outputs)


def _prediction(outputs: Mapping[str, list[Any]]) -> Value | None:
    name = next(iter(outputs)) if len(outputs) == 1 else next((usual for usual in USUAL_OUTPUTS if usual in outputs), None)
    values = outputs[name] if name is not None else []
    if not values or any(isinstance(value, (list, dict)) for value in values):
        return None
    if len(values) == 1:
        return values[0] if isinstance(values[0], float) else _class_name(values[0])
    if _are_scores(values):
        return str(values.index(max(values)))
    # Names of classes beside their scores, as TensorFlow's classify signatures have them.
    scores = next((other for other in outputs.values() if len(other) == len(values) and _are_scores(other)), None)
    return None if scores is None else _class_name(values[scores.index(max(scores))])


def _are_scores(values: list[Any]) -> bool:
    # JSON has no difference between 1.0 and 1 where a server writes both alike.
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values) and any(
        isinstance(value, float) for value in values
    )


def _class_name(value: object) -> str | None:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None
    return str(value) if isinstance(value, (int, str)) else None
