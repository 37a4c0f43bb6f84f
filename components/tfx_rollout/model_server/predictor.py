"""TensorFlow Serving's Predict without its faces: checks, choice of outputs, and where to run (predict_util.cc)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from tfx_rollout.model_server.servable import Program, Servable, Signature
from tfx_rollout.model_server.status import Code, ServingError

DEFAULT_SIGNATURE = "serving_default"
_METHODS = ("tensorflow/serving/predict", "tensorflow/serving/classify", "tensorflow/serving/regress")


@dataclass(frozen=True)
class Prediction:
    """The answer: arrays by output alias in the order asked for."""

    outputs: Mapping[str, np.ndarray]
    signature: str


class Predictor:
    """Runs signatures: fast ones on the event loop, the rest on `pool`."""

    def __init__(self, pool: Executor, *, check_method_name: bool = False) -> None:
        self._pool = pool
        self._check_method_name = check_method_name

    async def predict(
        self,
        servable: Servable,
        signature_name: str,
        inputs: Mapping[str, np.ndarray],
        output_filter: Sequence[str] = (),
    ) -> Prediction:
        """The outputs of a signature for these inputs; ServingError with TensorFlow Serving's texts."""
        name = signature_name or DEFAULT_SIGNATURE
        signature = servable.signatures.get(name)
        if signature is None:
            raise ServingError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
        if self._check_method_name and signature.method_name not in _METHODS:
            raise ServingError(
                Code.INTERNAL,
                f"Expected prediction signature method_name to be one of {{{', '.join(_METHODS)}}}. Was: {signature.method_name}",
            )
        feeds = feeds_for(signature, inputs)
        aliases = outputs_for(signature, output_filter)
        program = servable.program(name, aliases)
        if program.pace.fast:
            arrays = _run(program, feeds)
        else:
            arrays = await self._on_pool(program, feeds)
        return Prediction(dict(zip(aliases, arrays, strict=True)), name)

    async def _on_pool(self, program: Program, feeds: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Runs on the pool. When cancelled it still waits for a run that has begun, since that uses the session."""
        run = self._pool.submit(_run, program, feeds)
        waiter = asyncio.wrap_future(run)
        cancelled = False
        while True:
            try:
                await asyncio.wait((waiter,))
                break
            except asyncio.CancelledError:
                cancelled = True
                if run.cancel():
                    break
        if cancelled:
            raise asyncio.CancelledError
        return waiter.result()


def _run(program: Program, feeds: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    start = time.perf_counter()
    try:
        return program.run(feeds)
    except (TypeError, ValueError) as error:  # an array that has no tensor form
        raise ServingError(Code.INVALID_ARGUMENT, str(error)) from None
    finally:
        program.pace.add(time.perf_counter() - start)


def feeds_for(signature: Signature, inputs: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
    """The feeds in the signature's order, defaults filled in."""
    wanted = signature.inputs
    if len(inputs) > len(wanted) or (len(inputs) < len(wanted) and not signature.defaults):
        raise _invalid(
            f"input size does not match signature: {len(inputs)}!={len(wanted)} "
            f"len({_names(inputs)}) != len({_names(wanted)}). "
            f"Sent extra: {_names(inputs.keys() - wanted.keys())}. "
            f"Missing but required: {_names(wanted.keys() - inputs.keys())}."
        )
    feeds = []
    for alias, info in wanted.items():
        array = inputs.get(alias, signature.defaults.get(alias))
        if array is None:
            raise _invalid(
                f"Signature input alias: {alias}(feed name: {info.tensor_name}) not found in request and no default value "
                f"provided. Inputs expected to be in the request {_names(inputs)}, or default input alias set: "
                f"{','.join(sorted(signature.defaults))}"
            )
        feeds.append(array)
    used = inputs.keys() & wanted.keys()
    if inputs and len(used) != len(inputs):
        raise _invalid(
            f"Inputs contains invalid name. Used request inputs: {','.join(sorted(used))}, "
            f"request input: {','.join(sorted(inputs))}"
        )
    return tuple(feeds)


def outputs_for(signature: Signature, output_filter: Sequence[str]) -> Sequence[str]:
    """The aliases to fetch: those of the filter in its order, all without one."""
    seen: set[str] = set()
    for alias in output_filter:
        if alias not in signature.outputs:
            raise _invalid(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_names(signature.outputs)}."
            )
        if alias in seen:
            raise _invalid(f"duplicate output tensor alias: {alias}")
        seen.add(alias)
    return tuple(output_filter) or tuple(signature.outputs)


def _names(names: Mapping[str, object] | set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _invalid(message: str) -> ServingError:
    return ServingError(Code.INVALID_ARGUMENT, message)
