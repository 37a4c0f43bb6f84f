"""The loop behind a view: reads when something happened, draws, and leaves a clean screen however it ends."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Generic, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live

from tfx_rollout.cli.live.snapshot import ExperimentSnapshot, RolloutSnapshot
from tfx_rollout.errors import ApiBusy, ApiUnreachable

S = TypeVar("S", RolloutSnapshot, ExperimentSnapshot)

News = queue.SimpleQueue[BaseException | None]
"""None for everything that happens, and at last what ends it. Of a kind that a signal's handler may put something into while
the same thread takes something out."""

LEAST_S = 0.5
"""Figures are read no oftener than this."""
MOST_S = 2.0
"""… and at least this often: shares and states of servers change without an event."""
DRAWS_PER_SECOND = 4


class _Current(Generic[S]):
    """The newest snapshot, drawn for the terminal as it is at the moment, so that a resize takes effect at once."""

    def __init__(self, snapshot: S, view: Callable[[S, int], RenderableType]) -> None:
        self.snapshot: S = snapshot
        self._view: Callable[[S, int], RenderableType] = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        view = self._view(replace(self.snapshot, now=time.time()), options.max_width)
        # Not yielded: what is yielded is not told how high the screen is.
        yield from console.render(view, options.update(height=options.size.height))


def show_live(
    console: Console,
    read: Callable[[], S],
    view: Callable[[S, int], RenderableType],
    ended: Callable[[S], bool],
    happened: Iterable[object],
) -> S:
    """Shows what `read` gives, anew whenever something `happened`, until it has `ended`; returns the last snapshot.

    `happened` blocks for the next thing; what it raises is raised here. A `read` that fails for want of an answer
    is told on the screen and repeated: `happened` knows when it is in vain. Ctrl-C is a `KeyboardInterrupt`.
    """
    news: News = queue.SimpleQueue()
    over = threading.Event()
    current = _Current(read(), view)
    threading.Thread(target=_listen, args=(happened, news, over), daemon=True).start()
    live = Live(current, console=console, screen=True, refresh_per_second=DRAWS_PER_SECOND)
    try:
        with _signals_told(news), live:
            while not ended(current.snapshot):
                finished = _await_news(news)
                try:
                    current.snapshot = read()
                except (ApiUnreachable, ApiBusy) as fault:
                    current.snapshot = replace(current.snapshot, notice=str(fault))
                    if finished:
                        raise
                live.refresh()
                if finished:
                    break
    finally:
        over.set()
    return current.snapshot


@contextmanager
def _signals_told(news: News) -> Iterator[None]:
    """Tells of Ctrl-C and SIGTERM as news: raised in the midst of drawing they would leave the screen as it is then.

    A second one comes through at once, where the first was not heard for waiting on an answer.
    """
    ends: dict[int, BaseException] = {signal.SIGINT: KeyboardInterrupt(), signal.SIGTERM: SystemExit(128 + signal.SIGTERM)}
    before = {number: signal.getsignal(number) for number in ends}

    def tell(number: int, _: object) -> None:
        signal.signal(number, before[number])
        news.put(ends[number])

    for number in ends:
        signal.signal(number, tell)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(happened: Iterable[object], news: News, over: threading.Event) -> None:
    """Tells of everything that happens with None, and at last of the end or the error."""
    try:
        for _ in happened:
            if over.is_set():
                return
            news.put(None)
        news.put(StopIteration())
    except Exception as error:  # noqa: BLE001 - told to the thread that draws, which raises it
        news.put(error)


def _await_news(news: News) -> bool:
    """Waits for something to happen, and a little for what comes with it. True when nothing more will."""
    until = time.monotonic() + LEAST_S
    timeout = MOST_S
    while True:
        try:
            told = news.get(timeout=timeout)
        except queue.Empty:
            return False
        if isinstance(told, StopIteration):
            return True
        if told is not None:
            raise told
        timeout = max(0.0, until - time.monotonic())
        if not timeout:
            return False
