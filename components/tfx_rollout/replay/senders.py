"""One request over gRPC or REST, with little more than what the wire needs: the sender shares the machine with the servers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from tfx_rollout.evidence.access_log_line import code_name
from tfx_rollout.gateway.naming import REQUEST_ID_HEADER, TRACK_HEADER, VERSION_HEADER
from tfx_rollout.replay.predicted import Value, grpc_prediction, rest_prediction

if TYPE_CHECKING:
    import h11

_READ_BYTES = 65536
_PREDICT = "/tensorflow.serving.PredictionService/Predict"


@dataclass(frozen=True)
class Reply:
    """What came back: a gRPC status name, the answering track and version where they are told."""

    code: str
    track: str | None = None
    version: int | None = None
    prediction: Value | None = None


class Sender(Protocol):
    """Sends one request; never raises for a request that fails."""

    async def send(self, body: bytes, request_id: str) -> Reply:
        """Sends an encoded request under this id and gives what came back."""


class GrpcSender:
    """Predict over one HTTP/2 connection, in bytes; `api` is a `GrpcApi`. Use it in `async with`.

    `predictions`: whether replies tell what was predicted, which costs reading the whole answer.
    """

    def __init__(self, address: str, api: Any, *, timeout_s: float, predictions: bool = False) -> None:
        self._address, self._api, self._timeout_s, self._predictions = address, api, timeout_s, predictions

    async def __aenter__(self) -> GrpcSender:
        import grpc

        self._grpc = grpc
        options = [("grpc.enable_http_proxy", 0), ("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        self._channel = grpc.aio.insecure_channel(self._address, options=options)
        self._predict = self._channel.unary_unary(_PREDICT)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._channel.close()

    async def send(self, body: bytes, request_id: str) -> Reply:
        """See `Sender`."""
        call = self._predict(body, timeout=self._timeout_s, metadata=((REQUEST_ID_HEADER, request_id),))
        try:
            answer = await call
        except self._grpc.aio.AioRpcError as error:
            # An error without a body has its headers in the trailing metadata.
            said = {**_metadata(error.initial_metadata()), **_metadata(error.trailing_metadata())}
            return Reply(error.code().name, said.get(TRACK_HEADER), _version(said.get(VERSION_HEADER)))
        response = self._api.predict_pb2.PredictResponse.FromString(answer)
        prediction = grpc_prediction(response) if self._predictions else None
        track = _metadata(await call.initial_metadata()).get(TRACK_HEADER)
        return Reply("OK", track, response.model_spec.version.value or None, prediction)


class RestSender:
    """Predict over HTTP/1.1 connections that are kept and used again. Use it in `async with`. `predictions`: see `GrpcSender`."""

    def __init__(self, address: str, model: str, *, timeout_s: float, predictions: bool = False) -> None:
        import h11

        self._h11 = h11
        self._timeout_s, self._predictions = timeout_s, predictions
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._target = f"/v1/models/{model}:predict"
        self._headers = [("host", address), ("content-type", "application/json")]
        self._idle: list[_Connection] = []

    async def __aenter__(self) -> RestSender:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for connection in self._idle:
            connection.writer.close()

    async def send(self, body: bytes, request_id: str) -> Reply:
        """See `Sender`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_s
        try:
            connection = self._idle.pop() if self._idle else await asyncio.wait_for(self._connect(), self._timeout_s)
            # A timer of the loop costs a fraction of the task that `wait_for` makes.
            timer = loop.call_at(deadline, connection.writer.transport.abort)
            try:
                return await self._exchange(connection, body, request_id)
            finally:
                timer.cancel()
        except (OSError, asyncio.TimeoutError, self._h11.ProtocolError):
            return Reply("DEADLINE_EXCEEDED" if loop.time() >= deadline else "UNAVAILABLE")

    async def _exchange(self, connection: _Connection, body: bytes, request_id: str) -> Reply:
        h11 = self._h11
        protocol, kept = connection.protocol, False
        try:
            own = [("content-length", str(len(body))), (REQUEST_ID_HEADER, request_id)]
            request = h11.Request(method="POST", target=self._target, headers=[*self._headers, *own])
            events = (request, h11.Data(data=body), h11.EndOfMessage())
            connection.writer.write(b"".join(protocol.send(event) or b"" for event in events))
            status, said, parts = 0, {}, []
            while not isinstance(event := protocol.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    protocol.receive_data(await connection.reader.read(_READ_BYTES))
                elif isinstance(event, h11.Response):
                    status = event.status_code
                    said = {name.decode(): value.decode("latin-1") for name, value in event.headers}
                elif isinstance(event, h11.Data):
                    parts.append(event.data)
                elif isinstance(event, h11.ConnectionClosed):
                    raise ConnectionResetError("closed before the answer was whole")
            if protocol.our_state is h11.DONE and protocol.their_state is h11.DONE:
                protocol.start_next_cycle()
                self._idle.append(connection)
                kept = True
            prediction = rest_prediction(b"".join(parts)) if self._predictions and status == 200 else None
            code = code_name(status, None, grpc=False)
            return Reply(code, said.get(TRACK_HEADER), _version(said.get(VERSION_HEADER)), prediction)
        finally:
            if not kept:
                connection.writer.close()

    async def _connect(self) -> _Connection:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        return _Connection(reader, writer, self._h11.Connection(self._h11.CLIENT))


@dataclass(frozen=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    protocol: h11.Connection


def _metadata(metadata: Any) -> dict[str, str]:
    return {key: str(value) for key, value in metadata or ()}


def _version(said: str | None) -> int | None:
    return int(said) if said is not None and said.isascii() and said.isdigit() else None
