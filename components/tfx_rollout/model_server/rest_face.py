"""The REST face: an ASGI application with TensorFlow Serving's paths, codes and texts.

Beyond TensorFlow Serving's contract, what a version answers, errors included, has its number
in the header `x-model-version`.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tfx_rollout.model_server import metadata
from tfx_rollout.model_server.core import ModelRequest, ServerCore
from tfx_rollout.model_server.json_answer import write_answer
from tfx_rollout.model_server.json_tensors import read_inputs, signature_name
from tfx_rollout.model_server.json_values import error_body, parse_object
from tfx_rollout.model_server.prediction_log import REQUEST_ID, PredictionLog
from tfx_rollout.model_server.predictor import DEFAULT_SIGNATURE, Predictor
from tfx_rollout.model_server.rest_paths import RestCall, is_handled, parse_call
from tfx_rollout.model_server.servable import VERSION_HEADER, Servable
from tfx_rollout.model_server.status import Code, ServingError, http_code

_log = logging.getLogger(__name__)
_JSON = [(b"content-type", b"application/json")]
_CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"Content-Type"),
]
_NOT_FOUND_PAGE = b"<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n<H1>Not Found</H1>\n</BODY></HTML>\n"

Headers = list[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class RestFace:
    """The application. `timeout_s` bounds a predict call (None or 0: no limit)."""

    def __init__(
        self, core: ServerCore, predictor: Predictor, log: PredictionLog | None, *, timeout_s: float | None, cors: bool
    ) -> None:
        self._core = core
        self._predictor = predictor
        self._log = log
        self._timeout_s = timeout_s or None
        self._headers = _JSON + (_CORS if cors else [])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        path = scope["raw_path"].decode("latin-1")
        if not is_handled(path):
            await _reply(send, 404, _NOT_FOUND_PAGE, [(b"content-type", b"text/html")])
            return
        headers = [*self._headers]
        try:
            code, body = Code.OK, await self._answer(scope, path, receive, headers)
        except ServingError as error:
            code, body = error.code, error_body(error.message)
        except Exception as error:  # noqa: BLE001 - a fault of ours must become an answer
            _log.exception("A request failed inside the server.")
            code, body = Code.INTERNAL, error_body(f"{type(error).__name__}: {error}")
        await _reply(send, http_code(code), body, headers)

    async def _answer(self, scope: Scope, path: str, receive: Receive, headers: Headers) -> bytes:
        """The body; headers of the answer's own are added to `headers`."""
        if scope["method"] == "OPTIONS":
            if not any(k == b"origin" and v.startswith((b"http://", b"https://")) for k, v in scope["headers"]):
                raise ServingError(Code.FAILED_PRECONDITION, "Origin header is missing in CORS preflight")
            return b""
        body = await _body(scope, receive)
        call = parse_call(scope["method"], path)
        if call.action == "predict":
            return await self._predict(call, body, scope, headers)
        if call.action == "status":
            # A version label is ignored here, as in TensorFlow Serving.
            return metadata.status_json(self._core.statuses(call.model, call.version))
        if call.action == "metadata":
            with self._core.use(ModelRequest(call.model, call.version, call.label)) as servable:
                _tell_version(headers, servable)
                return metadata.metadata_json(servable)
        raise ServingError(Code.UNIMPLEMENTED, f"This model server does not serve {call.action}; use predict.")

    async def _predict(self, call: RestCall, body: bytes, scope: Scope, headers: Headers) -> bytes:
        task = asyncio.ensure_future(self._predict_now(call, body, scope, headers))
        if not task.done():
            await asyncio.wait((task,), timeout=self._timeout_s)
        if not task.done():
            task.cancel()
            raise ServingError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")
        return task.result()

    async def _predict_now(self, call: RestCall, body: bytes, scope: Scope, headers: Headers) -> bytes:
        document = parse_object(body)
        name = signature_name(document)
        with self._core.use(ModelRequest(call.model, call.version, call.label, name)) as servable:
            _tell_version(headers, servable)
            signature = servable.signatures.get(name or DEFAULT_SIGNATURE)
            if signature is None:
                raise ServingError(
                    Code.INVALID_ARGUMENT,
                    f'Serving signature name: "{name or DEFAULT_SIGNATURE}" not found in signature def',
                )
            if not signature.inputs:
                raise ServingError(Code.INVALID_ARGUMENT, f"Failed to get input map for signature: {name or 'DEFAULT'}")
            inputs = read_inputs(document, {alias: info.dtype for alias, info in signature.inputs.items()})
            answer = await self._predictor.predict(servable, name, inputs.arrays)
            written = write_answer(answer.outputs, row_form=inputs.row_form)
            if self._log is not None:
                self._log.add(_request_id(scope), call.model, servable.version, answer.outputs)
            return written


def _tell_version(headers: Headers, servable: Servable) -> None:
    headers.append((VERSION_HEADER.encode(), str(servable.version).encode()))


def _request_id(scope: Scope) -> str | None:
    wanted = REQUEST_ID.encode()
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == wanted), None)


async def _body(scope: Scope, receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ServingError(Code.CANCELLED, "The client went away.")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = b"".join(parts)
    if any(k == b"content-encoding" and v.strip().lower() == b"gzip" for k, v in scope["headers"]):
        try:
            return gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            raise ServingError(Code.INVALID_ARGUMENT, "The request's body is not in gzip format.") from None
    return body


async def _reply(send: Send, status: int, body: bytes, headers: Headers) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
