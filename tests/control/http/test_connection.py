"""Who does not send a request to its end, takes nothing or speaks no HTTP is let go, whatever the application does."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from tfx_rollout.control.http import connection
from tfx_rollout.control.http.connection import HEAD_BYTES, PatientProtocol
from tfx_rollout.control.http.connection_count import ConnectionCount

ANSWER = b"HTTP/1.1 200 OK"
MIB = 1024 * 1024
HEAD_S = 0.1
"""In this time a head must come here. An application may take longer, and so may the next request."""
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def answer_slowly(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await asyncio.sleep(3 * HEAD_S)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def answer_much(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * 64 * MIB})


class Elsewhere:
    """A connection whose other end is on another machine, as far as one can see."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def get_extra_info(self, name: str) -> Any:
        seen = {"peername": ("192.0.2.1", 50000), "socket": None}
        return seen[name] if name in seen else self._transport.get_extra_info(name)


class FromElsewhere(PatientProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(Elsewhere(transport))  # type: ignore[arg-type]


@asynccontextmanager
async def served(
    app: Any, count: ConnectionCount | None = None, *, http: type[PatientProtocol] = PatientProtocol
) -> AsyncIterator[tuple[ServerState, tuple[str, int]]]:
    """A server in this process: its state, and where it is. Before it ends, the application is through with every request."""
    config = uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=30,
    )
    config.load()
    state, counted = ServerState(), count or ConnectionCount(None, None)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: http(config, state, {}, counted), "127.0.0.1", 0)
    yield state, listening.sockets[0].getsockname()
    listening.close()
    await asyncio.gather(*state.tasks)


@pytest.fixture
def talked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Talk], None]:
    """Lets two speak over a socket."""
    monkeypatch.setattr(connection, "HEAD_S", HEAD_S)

    async def talk(with_it: Talk) -> None:
        async with served(answer_slowly) as (_, address):
            reader, writer = await asyncio.open_connection(*address)
            await asyncio.wait_for(with_it(reader, writer), 30)
            writer.close()

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
            await asyncio.sleep(2 * HEAD_S)
        writer.write(b"GET / HT")
        assert await reader.read() == b""

    talked(talk)


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_a_body_that_nobody_reads_does_not_hold_the_connection_however_it_trickles(talked, head: bytes, part: bytes):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def trickle() -> None:
            with suppress(ConnectionError):
                while True:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0.02)

        writer.write(head)
        trickling = asyncio.create_task(trickle())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(ANSWER)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        trickling.cancel()

    talked(talk)


LONG = b"x" * (HEAD_BYTES + 1)


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01 no HTTP\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n z\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"GET /" + LONG + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + LONG + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told_so_as_everything_else(talked, said: bytes):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in head
        assert json.loads(body)["type"] == "/problems/bad-request"

    talked(talk)


def test_a_head_without_an_end_is_not_taken_in(talked, monkeypatch):
    monkeypatch.setattr(connection, "HEAD_S", 60)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send() -> None:
            with suppress(ConnectionError):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
                while True:
                    writer.write(b"x" * 1000)
                    await writer.drain()

        sending = asyncio.create_task(send())
        # A reset may overtake the answer, since there is always more on the way.
        with suppress(ConnectionError):
            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        await sending

    talked(talk)


def test_what_comes_behind_a_body_is_no_header_of_the_request():
    seen = []

    async def note_headers(scope: dict[str, Any], receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            continue
        seen.extend(name for name, _ in scope["headers"])
        await answer_slowly(scope, receive, send)

    async def talk() -> None:
        async with served(note_headers) as (_, address):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(
                b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nAuthorization: y\r\n\r\n"
            )
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(ANSWER)
            writer.close()

    asyncio.run(asyncio.wait_for(talk(), 30))
    assert seen == [b"host", b"transfer-encoding"]


def test_requests_that_come_before_the_answer_are_answered_in_their_order(talked):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        one = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (2 * HEAD_BYTES) + b"x" * 2 * HEAD_BYTES
        writer.write(one + one + b"GET / HT")
        for _ in range(2):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(ANSWER)
        writer.write(b"TP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(ANSWER)

    talked(talk)


@pytest.mark.parametrize("answered", [False, True])
def test_who_stops_to_speak_http_in_the_middle_of_a_request_makes_no_error_of_it(talked, caplog, answered: bool):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        if answered:
            await reader.readuntil(b"\r\n\r\n")
        writer.write(b"no length\r\n\r\n")
        with suppress(ConnectionError):
            await reader.read()

    talked(talk)
    assert [record for record in caplog.records if record.exc_info] == []


def test_connections_beyond_the_most_are_told_so_and_those_far_beyond_are_not_looked_at():
    async def talk() -> None:
        async with served(answer_slowly, ConnectionCount(2, None, spare=1)) as (state, address):
            opened = [await asyncio.open_connection(*address) for _ in range(3)]
            while len(state.connections) < 3:
                await asyncio.sleep(0.01)
            far, _ = await asyncio.open_connection(*address)
            with suppress(ConnectionError):
                assert await far.read() == b""
            reader, writer = opened[0]
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ")
            assert json.loads(body)["type"] == "/problems/too-many-connections"
            while len(state.connections) > 2:
                await asyncio.sleep(0.01)
            reader, writer = opened[1]
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(ANSWER)

    asyncio.run(asyncio.wait_for(talk(), 30))


def test_one_address_with_too_many_connections_is_told_so_and_served_again_when_it_ends_some():
    async def talk() -> None:
        count = ConnectionCount(10, 1, spare=1)
        async with served(answer_slowly, count, http=FromElsewhere) as (_, address):
            opened = [await asyncio.open_connection(*address) for _ in range(2)]
            while count.total < 2:
                await asyncio.sleep(0.01)
            far, _ = await asyncio.open_connection(*address)
            with suppress(ConnectionError):
                assert await far.read() == b""
            reader, writer = opened[0]
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 429 ")
            assert b"retry-after: 5" in head.lower()
            assert json.loads(body)["type"] == "/problems/too-many-connections"
            while count.total > 1:
                await asyncio.sleep(0.01)
            reader, writer = opened[1]
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(ANSWER)

    asyncio.run(asyncio.wait_for(talk(), 30))


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system does not tell who takes nothing")
def test_who_takes_nothing_off_the_connection_is_let_go(monkeypatch):
    monkeypatch.setattr(connection, "TAKE_S", 0.2)

    async def talk() -> None:
        async with served(answer_much) as (state, address):
            with socket.create_connection(address) as mute:
                mute.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                while not state.connections:
                    await asyncio.sleep(0.01)
                while state.connections:
                    await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(talk(), 30))
