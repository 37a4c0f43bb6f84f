"""The model run in this process: the independent reference for what the server answers.

`tf.saved_model.load` runs a signature's function, a model server runs the graph through a
Session; a model for which the two differ must not go live.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tfx_rollout.errors import InvalidModel
from tfx_rollout.saved_model import Signature
from tfx_rollout.validation.requests import Request, Tensors


class Reference:
    """A SavedModel, loaded here. `InvalidModel` where this process cannot load it (an op that it lacks, say)."""

    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        self._tf = tf
        try:
            self._model: Any = tf.saved_model.load(str(path), tags=["serve"])
        except (tf.errors.OpError, ValueError, TypeError, AttributeError, KeyError, OSError) as fault:
            first = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
            raise InvalidModel(
                str(path),
                f"was loaded by the model server but not by this process ({first}), so their answers cannot be compared",
                "install and import what it needs, custom ops among it, where the pipeline runs",
            ) from fault

    def answer(self, request: Request, signature: Signature) -> tuple[Tensors | None, str]:
        """The model's outputs, or `None` and its error."""
        tf = self._tf
        function = self._model.signatures[signature.name]
        try:
            tensors = {
                name: tf.constant(array, dtype=tf.as_dtype(signature.inputs[name].dtype))
                for name, array in request.inputs.items()
            }
            outputs = function(**tensors)
        except (tf.errors.OpError, ValueError, TypeError) as fault:
            return None, _first_line(fault)
        return {name: as_held(tensor.numpy()) for name, tensor in outputs.items()}, ""


def as_held(array: Any) -> Any:
    """A TensorFlow array in the form this package holds it: strings as `object`, `bfloat16` as `float32`."""
    array = np.asarray(array)
    if array.dtype.kind in "SU":
        return array.astype(object)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _first_line(fault: BaseException) -> str:
    text = getattr(fault, "message", None) or str(fault) or type(fault).__name__
    return " ".join(text.split())[:300]
