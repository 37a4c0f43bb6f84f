"""Server-sent events as the WHATWG's HTML standard has them, section 9.2: lines in, events out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerSentEvent:
    """One event. `id` is the last one that was told, with this event or before it: what a stream is resumed after."""

    kind: str
    data: str
    id: str | None


def events_in(lines: Iterable[str], last_id: str | None = None) -> Iterator[ServerSentEvent]:
    """The events of a stream, given without the line ends. Comments keep the connection alive and are passed over.

    An event that the stream breaks off in is none.
    """
    kind, data = "", list[str]()
    for line in lines:
        if not line:
            if data:
                yield ServerSentEvent(kind or "message", "\n".join(data), last_id)
            kind, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            kind = value
        elif field == "data":
            data.append(value)
        elif field == "id" and "\0" not in value:
            last_id = value
