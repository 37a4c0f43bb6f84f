"""JSON text to values and back, with rapidjson's error texts and pretty layout. Pure.

Parsing stops after the first complete value and takes NaN and Infinity, as TensorFlow
Serving's parser flags say.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tfx_rollout.model_server.status import Code, ServingError

DEBUG_BYTES = 256
"""JSON values in error texts are cut at about this many characters."""

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_MESSAGES = (
    ("Expecting property name", "Missing a name for object member."),
    ("Expecting ':'", "Missing a colon after a name of object member."),
    ("Unterminated string", "Missing a closing quotation mark in string."),
    ("Invalid \\", "Invalid escape character in string."),
    ("Invalid control", "Invalid encoding in string."),
)
_decoder = json.JSONDecoder()


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object at the start of a request's body; ServingError INVALID_ARGUMENT otherwise."""
    if not body:
        raise ServingError(Code.INVALID_ARGUMENT, "JSON Parse error: The document is empty")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _parse_error("Invalid encoding in string.", error.start) from None
    start = len(text) - len(text.lstrip(" \t\n\r"))
    if start == len(text):
        raise _parse_error("The document is empty.", start)
    try:
        value, _ = _decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise _parse_error(_rapidjson_message(error), error.pos) from None
    except RecursionError:
        raise _parse_error("Terminate parsing due to Handler error.", 0) from None
    if not isinstance(value, dict):
        raise format_error(value, "Is not object")
    return value


def _parse_error(message: str, offset: int) -> ServingError:
    return ServingError(Code.INVALID_ARGUMENT, f"JSON Parse error: {message} at offset: {offset}")


def _rapidjson_message(error: json.JSONDecodeError) -> str:
    for start, message in _MESSAGES:
        if error.msg.startswith(start):
            return message
    if error.msg.startswith("Expecting ','"):
        before = _STRINGS.sub("", error.doc[: error.pos])
        in_array = _innermost_bracket(before) == "["
        return "Missing a comma or ] after an array element." if in_array else "Missing a comma or } after an object member."
    return "Invalid value."


def _innermost_bracket(text: str) -> str:
    depth = 0
    for char in reversed(text):
        if char in "]}":
            depth += 1
        elif char in "[{":
            if not depth:
                return char
            depth -= 1
    return ""


def format_error(value: object, fault: str) -> ServingError:
    """`JSON Value: … <fault>`."""
    return ServingError(Code.INVALID_ARGUMENT, f"JSON Value: {debug_string(value)} {fault}")


def type_name(value: object) -> str:
    """rapidjson's name of a value's type."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "True" if value else "False"
    names: dict[type, str] = {dict: "Object", list: "Array", str: "String"}
    return names.get(type(value), "Number")


def debug_string(value: object) -> str:
    """A value as error texts show it: pretty, arrays on one line, cut when long."""
    parts: list[str] = []
    _write_debug(value, 0, parts)
    text = "".join(parts)
    return text if len(text) <= DEBUG_BYTES else text[:DEBUG_BYTES]


def _write_debug(value: object, level: int, parts: list[str]) -> None:
    if sum(map(len, parts)) > DEBUG_BYTES:
        return
    if isinstance(value, dict) and value:
        parts.append("{")
        for index, (key, item) in enumerate(value.items()):
            parts.append(("," if index else "") + newline(level + 1) + quote(key) + ": ")
            _write_debug(item, level + 1, parts)
        parts.append(newline(level) + "}")
    elif isinstance(value, list):
        parts.append("[")
        for index, item in enumerate(value):
            parts.append(", " if index else "")
            _write_debug(item, level + 1, parts)
        parts.append("]")
    else:
        parts.append(json.dumps(value, ensure_ascii=False))


def newline(level: int) -> str:
    """A line break and the indent of this level (4 spaces each)."""
    return "\n" + "    " * level


def quote(text: str) -> str:
    """A JSON string literal."""
    return json.dumps(text, ensure_ascii=False)


def error_body(message: str) -> bytes:
    """The body of a REST error: `{"error": message}`."""
    return json.dumps({"error": message}, ensure_ascii=False, indent=4).encode(errors="surrogateescape")
