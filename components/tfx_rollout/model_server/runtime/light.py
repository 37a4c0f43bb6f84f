"""TensorFlow's runtime without `import tensorflow`: about 0.8 s of start-up instead of 8 CPU-seconds.

An empty package module named `tensorflow`, holding only the path of the installed
one, lets its C++ bindings and protos be imported alone. It stays for the life of the
process and hides the real package, so this belongs in a process of its own: the model
server's, never a pipeline's.

Two orders matter. `_pywrap_tfe` is imported first because it initialises numpy's C API
(TensorFlow 2.16 crashes otherwise), and exception classes are registered before
anything can fail, since the bindings abort the process without them.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfx_rollout.model_server.runtime.base import CALLERS_THREAD, Run
from tfx_rollout.model_server.status import Code, ServingError


class _OpError(Exception):
    """What the bindings raise; they construct it as `(node_def, op, message, payloads)`."""

    code = Code.UNKNOWN

    def __init__(self, node_def: object, op: object, message: str, *payloads: object) -> None:
        super().__init__(message)
        self.message = message

    def serving_error(self) -> ServingError:
        return ServingError(self.code, self.message)


class LightRuntime:
    """The C++ bindings of the installed TensorFlow. Raises ImportError where they cannot be had this way."""

    name = "light"

    def __init__(self) -> None:
        _install_stub()
        importlib.import_module("tensorflow.python._pywrap_tfe")
        registry = importlib.import_module("tensorflow.python._pywrap_py_exception_registry")
        registry.PyExceptionRegistry_Init(
            {int(code): type(f"{code.name}Error", (_OpError,), {"code": code}) for code in Code if code is not Code.OK}
        )
        self._tf = importlib.import_module("tensorflow.python.client.pywrap_tf_session")

    def open(self, graph_def: bytes, config: bytes) -> _LightSession:
        try:
            return _LightSession(self._tf, graph_def, config)
        except _OpError as error:
            raise error.serving_error() from None


def _install_stub() -> None:
    if "tensorflow" in sys.modules:
        raise ImportError("TensorFlow is already imported in this process.")
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("TensorFlow is not installed.")
    stub = types.ModuleType("tensorflow")
    stub.__path__ = list(spec.submodule_search_locations)
    sys.modules["tensorflow"] = stub


class _LightSession:
    def __init__(self, tf: Any, graph_def: bytes, config: bytes) -> None:
        self._tf = tf
        self._handles: list[int] = []
        self._graph = tf.PyGraph()
        _import_graph(tf, self._graph, graph_def)
        options = tf._TF_NewSessionOptions()
        try:
            tf._TF_SetConfig(options, config)
            self._session = tf.TF_NewSession(self._graph, options)
        finally:
            tf.TF_DeleteSessionOptions(options)

    def callable(self, feeds: Sequence[str], fetches: Sequence[str], targets: Sequence[str]) -> Run:
        from tensorflow.core.protobuf import config_pb2

        options = config_pb2.CallableOptions(feed=feeds, fetch=fetches, target=targets)
        options.run_options.inter_op_thread_pool = CALLERS_THREAD
        buffer = self._tf.TF_NewBufferFromString(options.SerializeToString())
        try:
            self._tf.ExtendSession(self._session)
            handle = self._tf.TF_SessionMakeCallable(self._session, buffer)
        except _OpError as error:
            raise error.serving_error() from None
        finally:
            self._tf.TF_DeleteBuffer(buffer)
        self._handles.append(handle)
        return self._runner(handle)

    def _runner(self, handle: int) -> Run:
        session, run_callable = self._session, self._tf.TF_SessionRunCallable

        def run(feeds: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
            try:
                return run_callable(session, handle, feeds, None)
            except _OpError as error:
                raise error.serving_error() from None

        return run

    def close(self) -> None:
        for handle in self._handles:
            self._tf.TF_SessionReleaseCallable(self._session, handle)
        self._handles.clear()
        self._tf.TF_CloseSession(self._session)
        self._tf.TF_DeleteSession(self._session)
        self._graph.Dismantle()


def _import_graph(tf: Any, graph: Any, graph_def: bytes) -> None:
    buffer = tf.TF_NewBufferFromString(graph_def)
    options = tf.TF_NewImportGraphDefOptions()
    try:
        results = tf.TF_GraphImportGraphDefWithResults(graph, buffer, options)
        tf.TF_DeleteImportGraphDefResults(results)
    finally:
        tf.TF_DeleteImportGraphDefOptions(options)
        tf.TF_DeleteBuffer(buffer)
