"""The way to TensorFlow's runtime: light where it works, the full import otherwise."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Sequence

from tfx_rollout.model_server.runtime.base import GraphSession, Run, Runtime
from tfx_rollout.model_server.status import Code, ServingError

RUNTIME_VARIABLE = "TFX_ROLLOUT_TF_RUNTIME"
"""Environment variable: `light`, `full`, or unset to choose."""
OP_MODULES_VARIABLE = "TFX_ROLLOUT_TF_OP_MODULES"
"""Environment variable: comma-separated Python modules whose import registers custom ops (`tensorflow_text`); implies `full`."""

__all__ = [
    "OP_MODULES_VARIABLE",
    "RUNTIME_VARIABLE",
    "GraphSession",
    "LightRuntimeUnavailable",
    "Run",
    "Runtime",
    "choose_runtime",
]


class LightRuntimeUnavailable(Exception):
    """The light runtime does not work with this TensorFlow; the process must be started again with the full one.

    Started again, because a half-done light import leaves C++ modules behind that the
    full import cannot share.
    """


def choose_runtime() -> Runtime:
    """The runtime of this process. To be called once, before any other import of TensorFlow's modules.

    Raises LightRuntimeUnavailable where the choice was free and light fails, ServingError
    where TensorFlow or an op module is missing or the variable says neither.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise ServingError(Code.FAILED_PRECONDITION, "TensorFlow is not installed: pip install 'tfx-rollout[serving]'")
    wish = os.environ.get(RUNTIME_VARIABLE, "")
    modules = [m.strip() for m in os.environ.get(OP_MODULES_VARIABLE, "").split(",") if m.strip()]
    if wish not in ("", "light", "full"):
        raise ServingError(Code.INVALID_ARGUMENT, f"{RUNTIME_VARIABLE}={wish} is neither light nor full.")
    if wish == "full" or modules:
        return _full(modules)
    try:
        from tfx_rollout.model_server.runtime.light import LightRuntime

        return LightRuntime()
    except (ImportError, AttributeError, TypeError) as error:
        if wish == "light":
            raise ServingError(Code.FAILED_PRECONDITION, f"The light runtime cannot be used: {error}") from error
        raise LightRuntimeUnavailable(str(error)) from error


def _full(modules: Sequence[str]) -> Runtime:
    from tfx_rollout.model_server.runtime.full import FullRuntime

    runtime = FullRuntime()
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ServingError(
                Code.FAILED_PRECONDITION, f"{OP_MODULES_VARIABLE} names {module}, which cannot be imported: {error}"
            ) from error
    return runtime
