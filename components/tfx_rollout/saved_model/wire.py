"""The few bytes of protocol-buffer wire format that reading signatures takes.

A `saved_model.pb` can hold hundreds of megabytes of graph, and the generated classes
for it come with all of TensorFlow. Skipping fields by their length needs neither.
Source: the encoding guide of protocol buffers (varints, and the types 0, 1, 2 and 5).
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_VARINT_LIMIT = 10


class Malformed(ValueError):
    """Bytes that are no protocol-buffer message."""


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Each field of a message in order: its number, and an integer or the bytes it holds.

    Raises `Malformed` where the bytes end early or cannot be a message. Nothing is copied.
    """
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise Malformed("a field has the number 0")
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise Malformed(f"field {number} has the unknown wire type {kind}")
        if at + size > end:
            raise Malformed(f"field {number} ends after the message does")
        yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for count in range(_VARINT_LIMIT):
        if at + count >= len(message):
            raise Malformed("the message ends within a number")
        byte = message[at + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + count + 1
    raise Malformed("a number is longer than ten bytes")


def signed(value: int) -> int:
    """The `int64` that a varint of two's complement stands for."""
    return value - (1 << 64) if value >= 1 << 63 else value
