"""Text of somebody else's making, as a terminal may show it: what would move it, colour it or feign other text is spelt out.

Reasons, faults of servers, addresses that strangers asked for: all of that comes to the screen of whoever looks.
"""

from __future__ import annotations

import re
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but for tabs and ends of lines, what turns the direction of writing, and halves of surrogate pairs."""


def spelt_out(text: object) -> str:
    """The text with such characters spelt out as in Python (`\\x1b`); ends of lines stay."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))


def one_line(text: object) -> str:
    """The same, with ends of lines and tabs as spaces: so that nobody feigns a line of ours."""
    return spelt_out(re.sub(r"[\t\r\n\u2028\u2029]+", " ", str(text)))


def plain_json(text: str) -> str:
    """JSON with such characters escaped, which says the same."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def plain_tree(value: Any) -> Any:
    """A document with all its texts in one line each."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {one_line(name): plain_tree(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_tree(inner) for inner in value]
    return value
