"""The gRPC face: PredictionService and ModelService over raw bytes, by grpcio.

Generic handlers instead of the generated servicers: requests are parsed and answers
written by `tensor_codec`, and the stubs' modules need no TensorFlow import.

Beyond TensorFlow Serving's contract, what a version answers, errors included, has its
number in the trailing metadata `x-model-version`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
)

from tfx_rollout.model_server import metadata
from tfx_rollout.model_server.config_proto import server_config
from tfx_rollout.model_server.core import ModelRequest, ServerCore
from tfx_rollout.model_server.prediction_log import REQUEST_ID, PredictionLog
from tfx_rollout.model_server.predictor import Predictor
from tfx_rollout.model_server.servable import VERSION_HEADER, Servable
from tfx_rollout.model_server.status import Code, ServingError, grpc_message
from tfx_rollout.model_server.tensor_codec import TensorParsingError, decode, encode, varint
from tfx_rollout.model_server.threads import in_background

_log = logging.getLogger(__name__)
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_OUTPUT_TAG = bytes([1 << 3 | 2])
_SPEC_TAG = bytes([2 << 3 | 2])
_NOT_SERVED = ("Classify", "Regress", "MultiInference")

Handler = Callable[[bytes, Any], Awaitable[bytes]]


class GrpcFace:
    """Handlers of both services on one core."""

    def __init__(self, core: ServerCore, predictor: Predictor, log: PredictionLog | None) -> None:
        self._core = core
        self._predictor = predictor
        self._log = log

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """What a grpc.aio server needs to answer."""
        prediction: dict[str, Handler] = {"Predict": self._predict, "GetModelMetadata": self._metadata}
        prediction |= {method: self._not_served(method) for method in _NOT_SERVED}
        model: dict[str, Handler] = {"GetModelStatus": self._status, "HandleReloadConfigRequest": self._reload}
        return [
            _service("tensorflow.serving.PredictionService", prediction),
            _service("tensorflow.serving.ModelService", model),
        ]

    async def _predict(self, data: bytes, context: Any) -> bytes:
        request = _parse(predict_pb2.PredictRequest, data)
        spec = _model_request(request)
        with self._core.use(spec) as servable:
            _tell_version(context, servable)
            inputs = {}
            for alias, proto in request.inputs.items():
                try:
                    inputs[alias] = decode(proto)
                except (TensorParsingError, OverflowError):
                    raise ServingError(Code.INVALID_ARGUMENT, f"tensor parsing error: {alias}") from None
            answer = await self._predictor.predict(servable, spec.signature, inputs, request.output_filter)
            parts = [_output(alias, encode(array)) for alias, array in answer.outputs.items()]
            parts.append(_answer_spec(spec.name, servable.version, answer.signature))
            if self._log is not None:
                self._log.add(_request_id(context), spec.name, servable.version, answer.outputs)
            return b"".join(parts)

    async def _metadata(self, data: bytes, context: Any) -> bytes:
        request = _parse(get_model_metadata_pb2.GetModelMetadataRequest, data)
        spec = _model_request(request)
        metadata.check_metadata_fields(request)
        with self._core.use(spec) as servable:
            _tell_version(context, servable)
            return bytes(metadata.metadata_response(request, servable).SerializeToString())

    async def _status(self, data: bytes, context: Any) -> bytes:
        request = _parse(get_model_status_pb2.GetModelStatusRequest, data)
        if not request.HasField("model_spec"):
            raise ServingError(Code.INVALID_ARGUMENT, "Missing ModelSpec")
        spec = request.model_spec
        # A version label is ignored here, as in TensorFlow Serving.
        version = spec.version.value if spec.WhichOneof("version_choice") == "version" else None
        return bytes(metadata.status_response(self._core.statuses(spec.name, version)).SerializeToString())

    async def _reload(self, data: bytes, context: Any) -> bytes:
        request = _parse(model_management_pb2.ReloadConfigRequest, data)
        if request.config.WhichOneof("config") != "model_config_list":
            raise ServingError(
                Code.INVALID_ARGUMENT,
                "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently supported",
            )
        remaining = context.time_remaining()
        config = server_config(request.config)
        # It may wait for ever (a base path without a version), so not on a pool that has to be joined at the end.
        await asyncio.wrap_future(in_background(lambda: self._core.reload(config, timeout_s=remaining), "reload"))
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        for name in request.metric_names:
            response.metric.add(name=name, int64_value_increase=0)
        return bytes(response.SerializeToString())

    @staticmethod
    def _not_served(method: str) -> Handler:
        async def refuse(data: bytes, context: Any) -> bytes:
            raise ServingError(Code.UNIMPLEMENTED, f"This model server does not serve {method}; use Predict.")

        return refuse


def _tell_version(context: Any, servable: Servable) -> None:
    # Trailing also for good answers: initial metadata of its own costs a call another round through grpcio, a fifth of its time.
    context.set_trailing_metadata(((VERSION_HEADER, str(servable.version)),))


def _request_id(context: Any) -> str | None:
    return next((value for key, value in context.invocation_metadata() if key == REQUEST_ID), None)


def _service(name: str, methods: Mapping[str, Handler]) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(
        name, {method: grpc.unary_unary_rpc_method_handler(_answering(handler)) for method, handler in methods.items()}
    )


def _answering(handler: Handler) -> Handler:
    async def answer(data: bytes, context: Any) -> bytes:
        try:
            return await handler(data, context)
        except ServingError as error:
            code, message = error.code, error.message
        except Exception as error:  # noqa: BLE001 - a fault of ours must become an answer
            _log.exception("A request failed inside the server.")
            code, message = Code.INTERNAL, f"{type(error).__name__}: {error}"
        await context.abort(_CODES[int(code)], grpc_message(message))
        raise AssertionError("abort raises")

    return answer


def _parse(message: Any, data: bytes) -> Any:
    try:
        return message.FromString(data)
    except DecodeError:
        raise ServingError(Code.INTERNAL, f"The request is no {message.DESCRIPTOR.full_name}.") from None


def _model_request(request: Any) -> ModelRequest:
    if not request.HasField("model_spec"):
        raise ServingError(Code.INVALID_ARGUMENT, "Missing ModelSpec")
    spec = request.model_spec
    choice = spec.WhichOneof("version_choice")
    return ModelRequest(
        spec.name,
        spec.version.value if choice == "version" else None,
        spec.version_label if choice == "version_label" else None,
        spec.signature_name,
    )


def _output(alias: str, tensor: bytes) -> bytes:
    """One entry of PredictResponse.outputs."""
    key = alias.encode()
    body = b"\x0a" + varint(len(key)) + key + b"\x12" + varint(len(tensor)) + tensor
    return _OUTPUT_TAG + varint(len(body)) + body


@lru_cache(maxsize=1024)
def _answer_spec(name: str, version: int, signature: str) -> bytes:
    """The field PredictResponse.model_spec."""
    spec = model_pb2.ModelSpec(name=name, signature_name=signature)
    spec.version.value = version
    body = spec.SerializeToString()
    return _SPEC_TAG + varint(len(body)) + body
