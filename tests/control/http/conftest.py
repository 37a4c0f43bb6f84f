"""The API of a root in this process: the real application over the real files, asked without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import Role, TokenWanted
from tfx_rollout.control.http.app import create_app
from tfx_rollout.control.http.settings import ApiOptions
from tfx_rollout.model_store import BasePath

ADDRESS = "http://127.0.0.1:8600"


class Api:
    """Asks an application; every answer is whole. `token` is sent along, unless a request has one of its own."""

    def __init__(self, options: ApiOptions, token: str | None = None) -> None:
        self.app = create_app(options)
        self.token = token
        self._loop = asyncio.new_event_loop()
        transport = httpx.ASGITransport(self.app, client=("127.0.0.1", 50000))
        self._http = httpx.AsyncClient(transport=transport, base_url=ADDRESS)

    def close(self) -> None:
        self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _close(self) -> None:
        await self._http.aclose()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def ask(self, method: str, path: str, *, token: str | None = None, **more: Any) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if (token or self.token) and "Authorization" not in headers:
            headers["Authorization"] = f"Bearer {token or self.token}"
        return self._loop.run_until_complete(self._http.request(method, path, headers=headers, **more))

    def stream(self, path: str, *, until: Callable[[bytes], object] = lambda _: False, **headers: str) -> Stream:
        """Follows events for as long as the answer goes on, or `until` something was told."""
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        return self._loop.run_until_complete(_streamed(self.app, path, headers, until))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return self.ask("POST", path, **({"json": json} if json is not None else {}), **more)


@dataclass(frozen=True)
class Stream:
    """An answer that went on. `whole` says whether it was ended, or broke off."""

    status: int
    headers: httpx.Headers
    content: bytes
    whole: bool

    @property
    def response(self) -> httpx.Response:
        """As if it had been read to its end."""
        request = httpx.Request("GET", ADDRESS)
        response = httpx.Response(self.status, headers=self.headers, content=self.content, request=request)
        response.elapsed = timedelta(0)
        return response


async def _streamed(app: Any, path: str, headers: dict[str, str], until: Callable[[bytes], object]) -> Stream:
    url = httpx.URL(ADDRESS).join(path)
    content, status, told, whole = b"", 0, httpx.Headers(), False
    gone = asyncio.Event()
    begun = False

    async def receive() -> dict[str, Any]:
        nonlocal begun
        if not begun:
            begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal content, status, told, whole
        if message["type"] == "http.response.start":
            status, told = message["status"], httpx.Headers(message["headers"])
            return
        content += message.get("body", b"")
        whole = not message.get("more_body", False)
        if until(content):
            gone.set()

    given = {"host": url.netloc.decode(), **{name.replace("_", "-").lower(): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": url.path,
        "raw_path": url.raw_path.split(b"?")[0],
        "query_string": url.query,
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8600),
    }
    await asyncio.wait_for(app(scope, receive, send), 60)
    return Stream(status, told, content, whole)


@pytest.fixture
def api_of(base: BasePath) -> Iterator[Callable[..., Api]]:
    """`api_of(limits=Limits(...))`: the API of the root; options are those of `ApiOptions`."""
    made: list[Api] = []

    def api_of(token: str | None = None, **options: Any) -> Api:
        made.append(Api(ApiOptions(root=base.store.root, **options), token))
        return made[-1]

    yield api_of
    for api in made:
        api.close()


@pytest.fixture
def api(api_of: Callable[..., Api]) -> Api:
    """Everybody may ask everything: no token was ever made."""
    return api_of()


@pytest.fixture
def token_of(base: BasePath) -> Callable[..., str]:
    """`token_of(Role.READ)`: the secret of a new token, owned by somebody of that name."""
    tokens = TokenFile(base.store.access_dir)

    def token_of(role: Role, name: str | None = None, days: float | None = None) -> str:
        return tokens.create(TokenWanted(name=name or str(role), role=role, days=days), by="root").secret

    return token_of


@pytest.fixture(scope="session")
def make_api() -> Callable[..., Api]:
    """For fixtures that live longer: `make_api(options)`; close it at the end."""
    return Api
