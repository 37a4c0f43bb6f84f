"""What was told last about one thing, kept once for all who watch it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi.sse import format_sse_event

STATE = "state"
STANDING = (STATE, "report")
"""Messages about a record that tell how it stands, beside the lines that it consists of."""
KEPT = 64
"""Who is further behind than this is told what is newest instead."""


@dataclass(frozen=True)
class Message:
    """One event as it goes out. `kind` is its name: of two states of one kind the later one is what counts."""

    kind: str
    content: bytes
    number: tuple[int, int] | None = None
    """Of a record: how many lines of either kind were told with it; what a stream is resumed after."""

    @classmethod
    def of(cls, kind: str, data: str, number: tuple[int, int] | None = None) -> Message:
        """`data` is JSON."""
        told = None if number is None else f"{number[0]}.{number[1]}"
        return cls(kind, format_sse_event(data_str=data, event=kind, id=told), number)


class Feed:
    """Messages in their order, and whoever waits for the next. For one event loop; nothing here waits for a watcher.

    Watchers have a place in the feed and read on from it. With `kept` None nothing is ever left
    out, as befits a record, but a state that a newer one follows; else only the last so many are kept, and who
    fell behind, or comes new, is told the newest message of each kind.
    """

    def __init__(self, kept: int | None = KEPT) -> None:
        self._messages: deque[tuple[int, Message]] = deque(maxlen=kept)
        """Each with its place."""
        self._newest: dict[str, Message] = {}
        self._keeps_all = kept is None
        self.end = 0
        """The place behind the last message."""
        self.over = False
        """Whether no message will follow."""
        self._waiting: asyncio.Future[None] | None = None
        """Done with the next message. One for all who wait: a task and a timeout for each would cost more than the telling."""

    def tell(self, messages: Iterable[Message], *, last: bool = False) -> None:
        """Adds messages; after the `last` ones the feed is over."""
        for message in messages:
            if self._keeps_all and message.kind == STATE and STATE in self._newest:
                self._forget_state()
            self._messages.append((self.end, message))
            self._newest[message.kind] = message
            self.end += 1
        self.over = self.over or last
        if self._waiting is not None:
            self._waiting.set_result(None)
            self._waiting = None

    def after(self, place: int | None) -> list[Message]:
        """What came since this place; for None, what a new watcher must know."""
        if self._keeps_all:
            place = place or 0
        elif place is None or place < self.end - len(self._messages):
            return list(self._newest.values())
        behind = []
        for at, message in reversed(self._messages):
            if at < place:
                break
            behind.append(message)
        return behind[::-1]

    def place_of(self, number: tuple[int, int]) -> int:
        """The place behind the last line of a record that one who was told so many knows."""
        # A state and the report have the number of the line before them, and change without a new one.
        lines = ((at, line.number) for at, line in reversed(self._messages) if line.kind not in STANDING)
        return next((at + 1 for at, told in lines if told is not None and told <= number), 0)

    def _forget_state(self) -> None:
        """Drops the state that a new one makes good for; it is among the last messages."""
        for index in reversed(range(len(self._messages))):
            if self._messages[index][1].kind == STATE:
                del self._messages[index]
                return

    async def news(self, place: int | None, seconds: float) -> None:
        """Waits until there is something after this place, or the feed is over; at most so long."""
        if self.over or (place or 0) < self.end:
            return
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._waiting], timeout=seconds)
