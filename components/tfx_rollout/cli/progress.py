"""What shows on a terminal's stderr that something long gets on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 1.0
"""What takes no longer than this shows no progress."""


@contextmanager
def progress(text: str, total: float | None, *, of_bytes: bool = False) -> Iterator[Callable[[float], object]]:
    """A function to be told how much of the total is done; it shows that on a terminal when it takes long."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    begun = time.monotonic()
    count = DownloadColumn() if of_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(text, total=total, visible=False)
        yield lambda done: bar.update(task, completed=done, visible=time.monotonic() - begun > PATIENCE_S)


def counted(rows: Iterable[T], tell: Callable[[float], object], *, every: int = 1000) -> Iterator[T]:
    """The rows as they are; tells from time to time how many have gone by."""
    for number, row in enumerate(rows, start=1):
        yield row
        if number % every == 0:
            tell(number)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Shows on a terminal that something goes on whose end is not known, once it takes long."""
    if not sys.stderr.isatty():
        yield
        return
    import threading

    from rich.console import Console

    status = Console(stderr=True).status(text)
    timer = threading.Timer(PATIENCE_S, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()
