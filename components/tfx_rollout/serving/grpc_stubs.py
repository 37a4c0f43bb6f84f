"""TensorFlow Serving's gRPC interface, without paying for `import tensorflow`.

The stubs of `tensorflow-serving-api` import a few message modules of the `tensorflow`
package, and with them the whole of TensorFlow (seconds, hundreds of megabytes). While
they are imported, an empty package module that only knows where TensorFlow's files are
stands in for it; it is taken away afterwards, so that a later `import tensorflow` in the
same process gets the real one. The message classes are the same ones either way.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tfx_rollout.errors import RolloutError

if TYPE_CHECKING:
    import grpc

_import_lock = threading.Lock()
_loaded: GrpcApi | None = None


@dataclass(frozen=True)
class GrpcApi:
    """The generated modules of TensorFlow Serving's interface that this project uses."""

    predict_pb2: ModuleType
    get_model_metadata_pb2: ModuleType
    get_model_status_pb2: ModuleType
    model_management_pb2: ModuleType
    prediction_service_pb2_grpc: ModuleType
    model_service_pb2_grpc: ModuleType
    model_server_config_pb2: ModuleType
    tensor_pb2: ModuleType
    types_pb2: ModuleType


def grpc_api() -> GrpcApi:
    """The modules, imported at the first call.

    Must not run while another thread imports TensorFlow for the first time. `RolloutError`
    when TensorFlow's or TensorFlow Serving's Python packages are not installed.
    """
    global _loaded
    with _import_lock:
        if _loaded is None:
            try:
                with _empty_tensorflow():
                    _loaded = GrpcApi(**{module.rpartition(".")[2]: importlib.import_module(module) for module in _MODULES})
            except ModuleNotFoundError as error:
                raise RolloutError(
                    f"TensorFlow Serving's gRPC needs the module {error.name}, which is not installed; "
                    "install the extra: pip install 'tfx-rollout[serving]'."
                ) from error
        return _loaded


def open_channel(address: str) -> grpc.Channel:
    """A channel to `host:port`, without limits on the size of messages and past any proxy of the environment."""
    import grpc

    return grpc.insecure_channel(
        address,
        options=[
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", -1),
            ("grpc.enable_http_proxy", 0),
        ],
    )


def prediction_stub(target: str | grpc.Channel) -> Any:
    """A `PredictionServiceStub` for an address or an open channel."""
    channel = open_channel(target) if isinstance(target, str) else target
    return grpc_api().prediction_service_pb2_grpc.PredictionServiceStub(channel)


def model_stub(target: str | grpc.Channel) -> Any:
    """A `ModelServiceStub` (states, reload of the configuration) for an address or an open channel."""
    channel = open_channel(target) if isinstance(target, str) else target
    return grpc_api().model_service_pb2_grpc.ModelServiceStub(channel)


_MODULES = (
    "tensorflow_serving.apis.predict_pb2",
    "tensorflow_serving.apis.get_model_metadata_pb2",
    "tensorflow_serving.apis.get_model_status_pb2",
    "tensorflow_serving.apis.model_management_pb2",
    "tensorflow_serving.apis.prediction_service_pb2_grpc",
    "tensorflow_serving.apis.model_service_pb2_grpc",
    "tensorflow_serving.config.model_server_config_pb2",
    "tensorflow.core.framework.tensor_pb2",
    "tensorflow.core.framework.types_pb2",
)


@contextmanager
def _empty_tensorflow() -> Iterator[None]:
    if "tensorflow" in sys.modules:
        yield
        return
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")
    stand_in = ModuleType("tensorflow")
    stand_in.__path__ = list(spec.submodule_search_locations)
    sys.modules["tensorflow"] = stand_in
    try:
        yield
    finally:
        del sys.modules["tensorflow"]
