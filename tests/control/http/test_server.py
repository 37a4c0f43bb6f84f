"""Who does not send a request to its end is let go, whatever the application does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from tfx_rollout.control.http import server
from tfx_rollout.control.http.server import PatientProtocol

ANSWER = b"HTTP/1.1 200 OK"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def answer_slowly(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


@pytest.fixture
def talked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Talk], None]:
    """Lets two speak over a socket; a head of a request must come within a tenth of a second."""
    monkeypatch.setattr(server, "HEAD_S", 0.1)

    async def talk(with_it: Talk) -> None:
        config = uvicorn.Config(
            answer_slowly, http=PatientProtocol, ws="none", lifespan="off", log_config=None, timeout_keep_alive=30
        )
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: PatientProtocol(config, state, {}), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
        await asyncio.wait_for(with_it(reader, writer), 30)
        writer.close()
        listening.close()

    return lambda with_it: asyncio.run(talk(with_it))


@pytest.mark.parametrize("begin", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_come_whole_is_not_waited_for(talked, begin: bytes):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        assert await reader.read() == b""

    talked(talk)


def test_a_request_that_takes_its_time_is_answered_and_the_next_one_may_wait(talked):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(ANSWER)
            await asyncio.sleep(0.2)
        writer.write(b"GET / HT")
        assert await reader.read() == b""

    talked(talk)
