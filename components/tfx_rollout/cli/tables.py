"""Tables for people: rich ones, without colours and without cut columns where there is no terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import click

from tfx_rollout.cli.plain_text import one_line, spelt_out

if TYPE_CHECKING:
    from tfx_rollout.control.documents import Difference

WIDE = 200
"""Columns of a table that goes to a file or a pipe."""

Tint = Literal["good", "warn", "bad", "dim"]
STYLES: dict[Tint, str] = {"good": "green", "warn": "yellow", "bad": "red", "dim": "bright_black"}
"""Colours by what they mean; shown on terminals only, and not where NO_COLOR is set."""


class Tinted(str):
    """A cell with a meaning, so that it gets a colour where there are colours."""

    tint: Tint

    def __new__(cls, text: object, tint: Tint) -> Tinted:
        self = super().__new__(cls, text)
        self.tint = tint
        return self


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a line and a table under it to stdout; cells are text as they are, never markup."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=WIDE)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_header=any(columns))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("–" if cell is None else spelt_out(cell), style=_style(cell)) for cell in row))
    click.echo(one_line(title))
    console.print(table)


def tinted(text: str, tint: Tint) -> str:
    """A text in a colour, where stdout has colours."""
    return click.style(one_line(text), fg=STYLES[tint]) if colours() else one_line(text)


def colours() -> bool:
    """Whether what goes to stdout may have colours: it is a terminal that knows them, and NO_COLOR is not set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def told(difference: Difference) -> str:
    """In what the state in force differs from the desired one, and why."""
    return tinted(f"{difference.what}: wanted {difference.wanted}, found {difference.found}. ", "warn") + one_line(difference.why)


def in_short(text: str) -> str:
    """The first sentence of a reason, which may go on for many."""
    first, dot, _ = text.partition(". ")
    return first + "." if dot else text


def when(seconds: float | None) -> str:
    """A time (seconds since the epoch) as local date and time."""
    return "–" if not seconds else datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def clock_time(seconds: float) -> str:
    """A time (seconds since the epoch) as local time of the day."""
    return datetime.fromtimestamp(seconds).strftime("%H:%M:%S")


def _style(cell: object) -> str:
    return STYLES[cell.tint] if isinstance(cell, Tinted) else ""
