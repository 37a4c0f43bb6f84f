"""One loaded version of a model: its signatures and the callables that run them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tfx_rollout.model_server.dtypes import DType
from tfx_rollout.model_server.pace import Pace
from tfx_rollout.model_server.runtime.base import GraphSession, Run

VERSION_HEADER = "x-model-version"
"""In an answer that a version computed (REST header, gRPC trailing metadata): its number."""


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a signature. A shape of None is unknown, a size of -1 too."""

    tensor_name: str
    dtype: DType
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Signature:
    """A SignatureDef by alias, both sides in sorted order. `defaults` holds inputs a request may leave out."""

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    defaults: Mapping[str, np.ndarray] = field(default_factory=dict)
    method_name: str = ""


@dataclass(frozen=True)
class Program:
    """A callable for one signature and choice of outputs, with the pace it has been running at."""

    run: Run
    pace: Pace


class Servable:
    """A version that answers. `signature_defs` is its serialized SignatureDefMap, for GetModelMetadata."""

    def __init__(
        self,
        name: str,
        version: int,
        session: GraphSession,
        signatures: Mapping[str, Signature],
        signature_defs: bytes,
    ) -> None:
        self.name = name
        self.version = version
        self.signatures = signatures
        self.signature_defs = signature_defs
        self._session = session
        self._programs: dict[tuple[str, tuple[str, ...]], Program] = {}
        self._making = threading.Lock()

    def program(self, signature: str, outputs: Sequence[str]) -> Program:
        """The program for these outputs (aliases, in this order) of a signature that exists; made on first use."""
        key = (signature, tuple(outputs))
        program = self._programs.get(key)
        if program is not None:
            return program
        with self._making:
            if key not in self._programs:
                definition = self.signatures[signature]
                run = self._session.callable(
                    [info.tensor_name for info in definition.inputs.values()],
                    [definition.outputs[alias].tensor_name for alias in outputs],
                    [],
                )
                self._programs[key] = Program(run, Pace())
            return self._programs[key]

    def close(self) -> None:
        """Frees the session; nothing may be running."""
        self._programs.clear()
        self._session.close()
