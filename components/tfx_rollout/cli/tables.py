"""Tables for people: rich ones, without colours and without cut columns where there is no terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime

import click

WIDE = 200
"""Columns of a table that goes to a file or a pipe."""


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a line and a table under it to stdout; cells are text as they are, never markup."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=WIDE)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("–" if cell is None else str(cell)) for cell in row))
    click.echo(title)
    console.print(table)


def when(seconds: float | None) -> str:
    """A time (seconds since the epoch) as local date and time."""
    return "–" if not seconds else datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def clock_time(seconds: float) -> str:
    """A time (seconds since the epoch) as local time of the day."""
    return datetime.fromtimestamp(seconds).strftime("%H:%M:%S")
