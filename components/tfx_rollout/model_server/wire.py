"""Walks protobuf's wire format without parsing what is not needed.

A SavedModel is mostly its graph, which goes to TensorFlow as bytes. Parsing it into
Python messages and writing it again would hold the interpreter's lock, and with it all
requests, for about as long as TensorFlow needs to import it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Number, payload and whole encoding of each field in order.

    The payload of a length-delimited field is its content; of other fields it is empty.
    Raises ValueError for what is no message.
    """
    position, end = 0, len(message)
    while position < end:
        start = position
        tag, position = _varint(message, position)
        kind = tag & 7
        content = position
        if kind == _LENGTH:
            size, content = _varint(message, position)
            position = content + size
        elif kind == _VARINT:
            _, position = _varint(message, position)
            content = position
        elif kind in (_FIXED64, _FIXED32):
            position += 8 if kind == _FIXED64 else 4
            content = position
        else:
            raise ValueError(f"wire type {kind}")
        if position > end:
            raise ValueError("truncated field")
        yield tag >> 3, message[content:position], message[start:position]


def payloads(message: memoryview, number: int) -> list[memoryview]:
    """The contents of all length-delimited fields of this number."""
    return [payload for found, payload, _ in fields(message) if found == number]


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise ValueError("truncated number")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
