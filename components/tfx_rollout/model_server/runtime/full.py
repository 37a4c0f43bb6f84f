"""TensorFlow's runtime by plain `import tensorflow`: slow to start, and it knows every custom op that is imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfx_rollout.model_server.runtime.base import CALLERS_THREAD, Run
from tfx_rollout.model_server.status import Code, ServingError


class FullRuntime:
    """`compat.v1.Session` of the installed TensorFlow."""

    name = "full"

    def __init__(self) -> None:
        import tensorflow

        self._tf = tensorflow

    def open(self, graph_def: bytes, config: bytes) -> _FullSession:
        try:
            return _FullSession(self._tf, graph_def, config)
        except self._tf.errors.OpError as error:
            raise _serving_error(error) from None
        except ValueError as error:
            raise ServingError(Code.INVALID_ARGUMENT, str(error)) from None


def _serving_error(error: Any) -> ServingError:
    return ServingError(Code(error.error_code), error.message)


class _FullSession:
    def __init__(self, tf: Any, graph_def: bytes, config: bytes) -> None:
        self._tf = tf
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(tf.compat.v1.GraphDef.FromString(graph_def), name="")
        self._session = tf.compat.v1.Session(graph=graph, config=tf.compat.v1.ConfigProto.FromString(config))

    def callable(self, feeds: Sequence[str], fetches: Sequence[str], targets: Sequence[str]) -> Run:
        from tensorflow.core.protobuf import config_pb2

        options = config_pb2.CallableOptions(feed=feeds, fetch=fetches, target=targets)
        options.run_options.inter_op_thread_pool = CALLERS_THREAD
        op_error = self._tf.errors.OpError
        try:
            made = self._session._make_callable_from_options(options)
        except op_error as error:
            raise _serving_error(error) from None

        def run(arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
            try:
                return made(*arrays)
            except op_error as error:
                raise _serving_error(error) from None

        return run

    def close(self) -> None:
        self._session.close()
