"""Spans of time as people write them."""

from __future__ import annotations

import re
import time
from datetime import datetime

import click

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


class Moment(click.ParamType[float]):
    """`15m` (so long ago), a date and time (local unless it says otherwise), or seconds since the epoch, which it becomes."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        text = str(value).strip()
        ago = seconds_in(text)
        if ago is not None:
            return time.time() - ago
        try:
            return float(text)
        except ValueError:
            pass
        try:
            return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        except ValueError:
            self.fail(f"{text!r} is no time; write for example 15m, 2h, 2026-11-22T10:00 or seconds since the epoch.", param, ctx)


class Span(click.ParamType[float]):
    """`30s`, `15m`, `2h`, `7d`, or seconds, which it becomes."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        found = seconds_in(str(value).strip())
        if found is None:
            try:
                found = float(str(value))
            except ValueError:
                self.fail(f"{value!r} is no span of time; write for example 30s, 15m or 2h.", param, ctx)
        return found


def seconds_in(text: str) -> float | None:
    """The seconds in `1h30m` and the like; None where it is nothing like that."""
    parts = list(_SPAN.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    return sum(float(part[1]) * _UNITS[part[2]] for part in parts)
