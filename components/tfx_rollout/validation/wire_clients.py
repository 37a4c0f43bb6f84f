"""Sending one request through a model server's real ports, and taking its answer apart."""

from __future__ import annotations

import time
from typing import Any
from typing import Protocol as Shape

from tfx_rollout.errors import ServerFailed
from tfx_rollout.saved_model import Signature
from tfx_rollout.serving import ModelServerClient, ModelServerProcess, grpc_api, open_channel, prediction_stub
from tfx_rollout.validation.observation import Answer, Protocol
from tfx_rollout.validation.reference import as_held
from tfx_rollout.validation.requests import Request
from tfx_rollout.validation.rest_form import UnexpectedForm, body, outputs


class WireClient(Shape):
    """A way to ask the candidate."""

    def ask(self, request: Request, signature: Signature) -> Answer:
        """The server's answer; an error of the server is an answer too."""

    def close(self) -> None:
        """Closes the connection."""


class RestWireClient:
    """Asks through the REST port, as a person with `curl` does."""

    def __init__(self, server: ModelServerProcess, model: str, version: int, timeout_s: float) -> None:
        self._client = ModelServerClient(server.rest_address, timeout_s=timeout_s)
        self._model, self._version = model, version

    def ask(self, request: Request, signature: Signature) -> Answer:
        asked = body(request, signature)
        started = time.perf_counter()
        try:
            answer = self._client.predict(self._model, asked, version=self._version)
        except ServerFailed as fault:
            return Answer(Protocol.REST, time.perf_counter() - started, error=str(fault))
        seconds = time.perf_counter() - started
        if not answer.ok:
            return Answer(Protocol.REST, seconds, error=f"{answer.code} {answer.error}")
        try:
            return Answer(Protocol.REST, seconds, outputs=outputs(answer.body, signature))
        except UnexpectedForm as fault:
            return Answer(Protocol.REST, seconds, error=str(fault))

    def close(self) -> None:
        self._client.close()


class GrpcWireClient:
    """Asks through the gRPC port, as a service does."""

    def __init__(self, server: ModelServerProcess, model: str, version: int, timeout_s: float) -> None:
        self._channel = open_channel(server.grpc_address)
        self._stub = prediction_stub(self._channel)
        self._model, self._version, self._timeout_s = model, version, timeout_s

    def ask(self, request: Request, signature: Signature) -> Answer:
        import grpc
        import tensorflow as tf

        asked = self._message(request, signature)
        started = time.perf_counter()
        try:
            response = self._stub.Predict(asked, timeout=self._timeout_s)
        except grpc.RpcError as fault:
            code, details = fault.code(), fault.details()
            return Answer(Protocol.GRPC, time.perf_counter() - started, error=f"{code.name} {details}")
        seconds = time.perf_counter() - started
        tensors = {name: as_held(tf.make_ndarray(tensor)) for name, tensor in response.outputs.items()}
        return Answer(Protocol.GRPC, seconds, outputs=tensors, version=response.model_spec.version.value)

    def close(self) -> None:
        self._channel.close()

    def _message(self, request: Request, signature: Signature) -> Any:
        import tensorflow as tf

        message = grpc_api().predict_pb2.PredictRequest()
        message.model_spec.name = self._model
        message.model_spec.version.value = self._version
        message.model_spec.signature_name = signature.name
        for name, array in request.inputs.items():
            spec = signature.inputs[name]
            message.inputs[name].CopyFrom(tf.make_tensor_proto(array, dtype=tf.as_dtype(spec.dtype), shape=array.shape))
        return message
