"""Clients of the API that cost next to nothing themselves: they share the machine with what is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

WATCHERS = 50
READS_PER_SECOND = 20
_LARGEST = 64 * 1024 * 1024


class Watchers:
    """`WATCHERS` streams of server-sent events and `READS_PER_SECOND` reads, for as long as they are asked to watch."""

    def __init__(self, address: str, model: str, rollout: str) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = host, int(port)
        one = f"/v1/models/{model}"
        streams = ("/v1/events", f"{one}/events", f"{one}/rollouts/{rollout}/events")
        self._streams = [streams[number % len(streams)] for number in range(WATCHERS)]
        self._reads = (
            *("/v1/models", one, f"{one}/versions", f"{one}/configuration", f"{one}/rollouts", f"{one}/rollouts/{rollout}"),
            *(f"{one}/traffic", "/v1/plans", "/metrics", f"{one}/history"),
        )
        self.read_ms: dict[str, list[float]] = {path: [] for path in self._reads}
        """By path: from when each read was due to its last byte."""
        self.events = 0
        self.faults: list[str] = []
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def watch(self, seconds: float) -> None:
        """Watches for this long; the streams begin at once and end then, and each read has its answer."""
        end = time.monotonic() + seconds
        streams = [asyncio.create_task(self._told(self._follow(path))) for path in self._streams]
        reads: set[asyncio.Task[None]] = set()
        number, due = 0, time.monotonic()
        while due < end:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            reads.add(asyncio.create_task(self._told(self._read(self._reads[number % len(self._reads)], due))))
            number, due = number + 1, due + 1 / READS_PER_SECOND
        await asyncio.gather(*reads)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)

    def close(self) -> None:
        """Closes the connections that are kept for reads."""
        for _, writer in self._idle:
            writer.close()

    async def _told(self, what: Awaitable[None]) -> None:
        try:
            await what
        except (OSError, EOFError, ValueError) as error:
            self.faults.append(f"{type(error).__name__}: {error}")

    async def _follow(self, path: str) -> None:
        reader, writer = await self._connect()
        try:
            writer.write(self._request(path, "text/event-stream"))
            _expect_ok(path, await reader.readuntil(b"\r\n\r\n"))
            while chunk := await reader.read(65536):
                self.events += chunk.count(b"\ndata:")
            raise EOFError(f"the stream {path} ended")
        finally:
            writer.close()

    async def _read(self, path: str, due: float) -> None:
        while True:
            kept = bool(self._idle)
            reader, writer = self._idle.pop() if kept else await self._connect()
            writer.write(self._request(path, "*/*"))
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                break
            except (OSError, EOFError):
                # A connection that was not used for long is closed by the server, as it should be.
                if not kept:
                    raise
        _expect_ok(path, head)
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        self.read_ms[path].append((time.monotonic() - due) * 1000)
        self._idle.append((reader, writer))

    def _connect(self) -> Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        return asyncio.open_connection(self._host, self._port, limit=_LARGEST)

    def _request(self, path: str, accept: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAccept: {accept}\r\n\r\n".encode()


def _expect_ok(path: str, head: bytes) -> None:
    status = head.split(b"\r\n", 1)[0].decode("latin-1")
    if " 200" not in status:
        raise ValueError(f"{path} was answered by {status}")


async def every(seconds: float, what: Callable[[], None]) -> None:
    """Does something again and again until it is cancelled."""
    while True:
        what()
        await asyncio.sleep(seconds)
