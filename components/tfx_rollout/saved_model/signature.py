"""The values: a tensor's promise, and a signature made of them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PREDICT = "tensorflow/serving/predict"
"""Method name of a signature that the Predict call and REST `:predict` answer."""

DTYPES: Mapping[int, str] = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    8: "complex64",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    22: "uint32",
    23: "uint64",
}
"""Names of the `DataType` numbers (tensorflow/core/framework/types.proto) that a signature can have."""

Shape = tuple[int | None, ...] | None
"""Dimensions, `None` for one of any size; the whole shape `None` where even the rank is open."""


@dataclass(frozen=True)
class TensorSpec:
    """Name in the graph, dtype (numpy's word, and `string`) and shape of one input or output."""

    name: str
    dtype: str
    shape: Shape

    @property
    def batched(self) -> bool:
        """Whether the first dimension is open, as REST's row form and batching need it."""
        return self.shape is not None and len(self.shape) > 0 and self.shape[0] is None

    def admits(self, shape: tuple[int, ...]) -> bool:
        """Whether a tensor of this shape keeps the promise."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            want is None or want == got for want, got in zip(self.shape, shape, strict=True)
        )

    def to_json(self) -> dict[str, Any]:
        return {"dtype": self.dtype, "shape": None if self.shape is None else list(self.shape)}

    def __str__(self) -> str:
        dims = "any shape" if self.shape is None else "[" + ", ".join("?" if d is None else str(d) for d in self.shape) + "]"
        return f"{self.dtype} {dims}"


@dataclass(frozen=True)
class Signature:
    """One `signature_def`: what a client may send under this name, and what comes back."""

    name: str
    method: str = PREDICT
    inputs: Mapping[str, TensorSpec] = field(default_factory=dict)
    outputs: Mapping[str, TensorSpec] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "inputs": {name: spec.to_json() for name, spec in sorted(self.inputs.items())},
            "outputs": {name: spec.to_json() for name, spec in sorted(self.outputs.items())},
        }
