"""What the model's signature wants, and a row made into a request of either protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfx_rollout.errors import InvalidInput
from tfx_rollout.replay.rows import Row

SIGNATURE = "serving_default"

# Field of TensorProto and Python type by the name of the dtype (tensorflow/core/framework/tensor.proto).
_FIELDS: dict[str, tuple[str, type]] = {
    "DT_FLOAT": ("float_val", float),
    "DT_DOUBLE": ("double_val", float),
    "DT_INT32": ("int_val", int),
    "DT_INT16": ("int_val", int),
    "DT_INT8": ("int_val", int),
    "DT_UINT8": ("int_val", int),
    "DT_INT64": ("int64_val", int),
    "DT_BOOL": ("bool_val", bool),
    "DT_STRING": ("string_val", str),
}


@dataclass(frozen=True)
class Column:
    """One input: its dtype's name and its rank with the batch dimension; None where the rank is unknown."""

    name: str
    dtype: str
    rank: int | None


@dataclass(frozen=True)
class Signature:
    """The named columns that the model's `serving_default` signature takes."""

    model: str
    columns: tuple[Column, ...]

    @classmethod
    def from_metadata(cls, model: str, metadata: Mapping[str, Any]) -> Signature:
        """From the answer of `GET /v1/models/MODEL/metadata`. `InvalidInput` where the signature cannot be fed by rows."""
        try:
            signature = metadata["metadata"]["signature_def"]["signature_def"][SIGNATURE]
            inputs = signature["inputs"]
        except (KeyError, TypeError) as error:
            raise InvalidInput(
                f"Model {model!r} has no signature {SIGNATURE!r}; export one that takes named raw columns."
            ) from error
        columns = []
        for name, info in sorted(inputs.items()):
            shape = info.get("tensor_shape", {})
            rank = None if shape.get("unknown_rank") else len(shape.get("dim", []))
            columns.append(Column(name, info.get("dtype", "DT_INVALID"), rank))
        refused = [f"{column.name} ({column.dtype})" for column in columns if column.dtype not in _FIELDS]
        if refused:
            raise InvalidInput(
                f"Signature {SIGNATURE!r} of model {model!r} has inputs that no JSON row can feed: {', '.join(refused)}."
            )
        return cls(model, tuple(columns))

    def instance(self, row: Row) -> dict[str, Any]:
        """The row as one element of TensorFlow Serving's `instances`: the signature's columns and no others.

        A plain value for an input of higher rank is wrapped into lists. `InvalidInput`
        for a column that is missing or of another type.
        """
        return {column.name: _value(column, row) for column in self.columns}

    def rest_body(self, row: Row) -> bytes:
        """The row as body of a REST predict call, in row form."""
        return json.dumps({"signature_name": SIGNATURE, "instances": [self.instance(row)]}).encode()

    def grpc_message(self, row: Row, api: Any) -> bytes:
        """The row as a serialized PredictRequest; every tensor has a batch dimension of 1. `api` is a `GrpcApi`."""
        request = api.predict_pb2.PredictRequest()
        request.model_spec.name = self.model
        request.model_spec.signature_name = SIGNATURE
        for column, value in zip(self.columns, self.instance(row).values(), strict=True):
            tensor = request.inputs[column.name]
            tensor.dtype = api.types_pb2.DataType.Value(column.dtype)
            for size in _shape([value]):
                tensor.tensor_shape.dim.add().size = size
            flat = _flattened(value)
            if column.dtype == "DT_STRING":
                flat = [item.encode() for item in flat]
            getattr(tensor, _FIELDS[column.dtype][0]).extend(flat)
        return bytes(request.SerializeToString())


def _value(column: Column, row: Row) -> Any:
    if row.get(column.name) is None:
        raise InvalidInput(f"A row has no value for column {column.name!r}, which signature {SIGNATURE!r} takes.")
    value = _typed(column, row[column.name])
    depth = 1 if column.rank is None else column.rank
    while depth - 1 > len(_shape(value)):
        value = [value]
    return value


def _typed(column: Column, value: Any) -> Any:
    if isinstance(value, list):
        return [_typed(column, item) for item in value]
    wanted = _FIELDS[column.dtype][1]
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not wanted:
        raise InvalidInput(f"Column {column.name!r} takes {column.dtype}, and a row has {value!r} there.")
    return value


def _flattened(value: Any) -> list[Any]:
    return [item for inner in value for item in _flattened(inner)] if isinstance(value, list) else [value]


def _shape(value: Any) -> list[int]:
    """Sizes of nested lists, taken to be of one length on each level."""
    if not isinstance(value, list):
        return []
    return [len(value), *(_shape(value[0]) if value else [])]
