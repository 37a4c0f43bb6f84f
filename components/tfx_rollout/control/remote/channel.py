"""Requests to the API, their answers, and what can go wrong between."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

import tfx_rollout
from tfx_rollout.control.documents import Problem
from tfx_rollout.control.remote.events import ServerSentEvent, events_in
from tfx_rollout.control.remote.problems import error_of
from tfx_rollout.errors import (
    ApiBusy,
    ApiDiffers,
    ApiFault,
    ApiRefused,
    ApiUnreachable,
    ApiUntrusted,
    InvalidInput,
    RolloutError,
)

D = TypeVar("D", bound=BaseModel)

PROBLEM = "application/problem+json"
VERSION = "1"
"""The version of the API that is spoken here: what the paths of documents begin with."""
TITLE = "tfx-rollout"
"""How the title of the API's own description begins."""
TRIES = 4
"""How often something that only reads is asked before it counts as failed."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
STREAM_SILENCE_S = 45.0
"""A stream that says nothing for so long is broken: three keep-alive comments did not come."""
PATIENCE_S = 60.0
"""How long a stream that broke is tried to be taken up again."""
GATEWAYS = (502, 503, 504)
"""What a proxy answers while the API is away for a moment."""


class Channel:
    """One API: where it is, how to trust it, what to show it. Safe to use from several threads.

    `timeout` is for the answer to one request, in seconds. Raises `ApiFault` and its kinds, and the errors
    that the API's problems stand for. Redirects are not followed: the token goes to nobody else.
    """

    def __init__(
        self, url: str, *, token: str | None, ca: Path | None, timeout: float, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self._token, self._timeout = token, timeout
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise InvalidInput(f"{_without_secret(url)!r} is no address of an API; give one such as https://models.example:8443.")
        headers = {"User-Agent": f"tfx-rollout/{tfx_rollout.__version__}", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            headers=headers, timeout=timeout, verify=_trust(ca) if parts.scheme == "https" else True, transport=transport
        )

    def close(self) -> None:
        """Ends the connections."""
        self._http.close()

    def read(self, document: type[D], path: str, query: Mapping[str, Any] | None = None, *, also: Iterable[int] = ()) -> D:
        """A document. Asked again, a few times, when the connection fails. `also` are statuses that come with it beside 200."""
        return self._parsed(document, self._asked("GET", path, query=query, also=also))

    def read_json(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A document without a form of its own, such as a report."""
        return self._json(self._asked("GET", path, query=query))

    def read_text(self, path: str, query: Mapping[str, Any] | None = None, *, accept: str) -> str:
        """A text, such as a page."""
        return self._asked("GET", path, query=query, headers={"Accept": accept}).text

    def write(
        self,
        document: type[D],
        method: str,
        path: str,
        body: BaseModel | Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        expected: object = None,
    ) -> D:
        """Asks for a change, once: whether one that got no answer was made can only be read. `expected` becomes `If-Match`."""
        headers, content = {}, None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = body.model_dump_json(exclude_unset=True) if isinstance(body, BaseModel) else json.dumps(body)
        if expected is not None:
            headers["If-Match"] = str(expected)
        return self._parsed(document, self._asked(method, path, query=query, headers=headers, content=content))

    def send_lines(self, document: type[D], path: str, lines: Iterable[bytes]) -> D:
        """Sends JSON Lines as they come, so that no file of any size is held in memory."""
        headers = {"Content-Type": "application/x-ndjson"}
        return self._parsed(document, self._asked("POST", path, headers=headers, content=lines))

    def follow(self, path: str) -> Iterator[ServerSentEvent]:
        """A stream of events to its end, taken up again after the last event where it breaks. Blocks for the next one."""
        last_id: str | None = None
        wait, broke_at = FIRST_WAIT_S, None
        while True:
            try:
                for event in self._stream(path, last_id):
                    broke_at = None
                    if event is not None:
                        wait, last_id = FIRST_WAIT_S, event.id
                        yield event
                return
            except (ApiUnreachable, ApiBusy) as fault:
                now = time.monotonic()
                broke_at = now if broke_at is None else broke_at
                if now - broke_at > PATIENCE_S:
                    raise
                time.sleep(min(getattr(fault, "seconds", None) or wait, LONGEST_WAIT_S))
                wait = min(2 * wait, LONGEST_WAIT_S)

    def _stream(self, path: str, last_id: str | None) -> Iterator[ServerSentEvent | None]:
        """None once it stands, then its events. Only a stream that was ended properly just ends."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        timeout = httpx.Timeout(self._timeout, read=STREAM_SILENCE_S)
        try:
            with self._http.stream("GET", self.url + path, headers=headers, timeout=timeout) as answer:
                if not answer.is_success:
                    answer.read()
                    raise self._fault_of(answer)
                yield None
                yield from events_in(answer.iter_lines(), last_id)
        except httpx.RequestError as fault:
            raise self._fault_between(fault) from fault

    def _asked(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: str | Iterable[bytes] | None = None,
        also: Iterable[int] = (),
    ) -> httpx.Response:
        tries, wait = TRIES if method == "GET" else 1, FIRST_WAIT_S
        until = time.monotonic() + self._timeout
        while True:
            tries -= 1
            try:
                answer = self._once(method, path, query, headers, content)
                if answer.is_success or answer.status_code in also:
                    return answer
                raise self._fault_of(answer)
            except (ApiUnreachable, ApiBusy) as fault:
                pause = getattr(fault, "seconds", None) or wait
                if not tries or pause > LONGEST_WAIT_S or time.monotonic() + pause > until:
                    raise
                time.sleep(pause)
                wait *= 2

    def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        content: str | Iterable[bytes] | None,
    ) -> httpx.Response:
        given = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        try:
            return self._http.request(method, self.url + path, params=given, headers=headers, content=content)
        except httpx.RequestError as fault:
            raise self._fault_between(fault) from fault

    def _fault_between(self, fault: httpx.RequestError) -> ApiFault:
        """What kept an answer from coming."""
        said = str(fault).strip().rstrip(".") or type(fault).__name__
        if "CERTIFICATE_VERIFY_FAILED" in said:
            why = said.split("certificate verify failed:")[-1].split(" (_ssl")[0].strip()
            return ApiUntrusted(
                self.url, f"has a certificate that is not trusted ({why})", "give the authority that signed it with --ca FILE"
            )
        if "SSL" in said or "TLS" in said:
            return ApiUntrusted(
                self.url, f"does not speak TLS as it should ({said})", "see whether its address begins with http:"
            )
        if isinstance(fault, httpx.ConnectTimeout | httpx.ConnectError):
            why = "no answer in time" if isinstance(fault, httpx.ConnectTimeout) else said
            return ApiUnreachable(
                self.url, f"cannot be reached ({why})", "see that `tfx-rollout serve` runs there and the address is right"
            )
        if isinstance(fault, httpx.ReadTimeout):
            return ApiUnreachable(self.url, "did not answer in time", "see what became of it, then ask again")
        if isinstance(fault, httpx.RemoteProtocolError) and "illegal" in said.lower():
            return ApiDiffers(self.url, f"does not speak HTTP ({said})", "see whether its address begins with https:")
        if isinstance(fault, httpx.RemoteProtocolError) and "without sending" in said:
            return ApiUnreachable(
                self.url, "broke the connection without an answer", "see that it runs, and whether its address begins with https:"
            )
        return ApiUnreachable(self.url, f"broke the connection ({said})", "see what became of it, then ask again")

    def _fault_of(self, answer: httpx.Response) -> RolloutError:
        """What an answer says that is no success."""
        status = answer.status_code
        problem = _problem(answer)
        if status in (401, 403):
            return ApiRefused(
                self.url, status, problem.detail if problem else answer.reason_phrase, with_token=self._token is not None
            )
        if status == 429:
            return ApiBusy(self.url, _seconds(answer.headers.get("Retry-After")))
        if problem is not None and not _no_such_route(problem):
            return error_of(problem, self.url)
        if status in GATEWAYS:
            return ApiUnreachable(
                self.url, f"is away ({status} {answer.reason_phrase})", "see that `tfx-rollout serve` runs there"
            )
        if answer.is_redirect:
            return ApiDiffers(self.url, f"sends elsewhere, to {answer.headers['Location']}", "give that address if you trust it")
        return self._differs(f"answered {status} to {answer.request.method} {answer.request.url.path}")

    def _differs(self, what: str) -> ApiDiffers:
        """The API does something that this version does not know: find out who answers there."""
        try:
            about = self._http.get(self.url + "/openapi.json").json()["info"]
            title, version = str(about["title"]), str(about["version"])
        except (httpx.RequestError, ValueError, KeyError, TypeError):
            title, version = "", ""
        if not title.startswith(TITLE):
            return ApiDiffers(
                self.url, f"is not that of tfx-rollout: it {what}", "give the address that `tfx-rollout serve` tells for its API"
            )
        if version.split(".")[0] != VERSION:
            what = f"is of version {version}, and version {VERSION} is spoken here: it {what}"
            return ApiDiffers(self.url, what, "use the same release here and there")
        return ApiDiffers(self.url, what, f"use the release that it is of (this one is {tfx_rollout.__version__})")

    def _parsed(self, document: type[D], answer: httpx.Response) -> D:
        try:
            return document.model_validate(self._json(answer))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the whole"
            raise self._differs(f"gave a {document.__name__} that cannot be read ({place}: {first['msg']})") from error

    def _json(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            data = answer.json()
        except ValueError as error:
            raise self._differs(f"answered {answer.request.url.path} with something that is no JSON") from error
        if not isinstance(data, dict):
            raise self._differs(f"answered {answer.request.url.path} with JSON that is no document")
        return data


def _problem(answer: httpx.Response) -> Problem | None:
    if answer.headers.get("Content-Type", "").split(";")[0].strip() != PROBLEM:
        return None
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        return None


def _no_such_route(problem: Problem) -> bool:
    return problem.status == 405 or problem.type.endswith("/no-such-address")


def _trust(ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except (OSError, ssl.SSLError) as fault:
            raise InvalidInput(f"{ca} is no file of certificates to trust ({fault}); give one in PEM form.") from fault
    return context


def _without_secret(url: str) -> str:
    """The address, without a password that somebody may have put in it."""
    before, sign, after = url.partition("@")
    return f"{before.split('://')[0]}://…@{after}" if sign else url


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else max(0.0, float(text))
    except ValueError:
        return None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
