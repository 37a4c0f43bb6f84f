"""Threads for single pieces of work: in the background, or behind the requests."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

NICENESS = 10
"""Niceness of work that must not disturb requests: with all cores busy it gets about a tenth of one."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


def in_background(work: Callable[[], T], name: str, *, niceness: int = 0) -> Future[T]:
    """Runs the work in a thread of its own, which never holds up the end of the process."""
    result: Future[T] = Future()

    def run() -> None:
        if niceness:
            _lower_priority(niceness)
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the result
            result.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return result


def behind_requests(work: Callable[[], T]) -> T:
    """Runs the work at a lower priority and returns or raises what it does.

    The work should spend its time in TensorFlow, outside the interpreter's lock: a thread
    that is held back while it has that lock holds back everybody. On Linux niceness is per
    thread, and only root can take it back, hence a thread of its own.
    """
    return in_background(work, "load", niceness=NICENESS).result()


def at_once(work: Callable[[], T]) -> T:
    """Runs the work in the calling thread: while nobody is served there is nobody to disturb."""
    return work()


def _lower_priority(niceness: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
    except OSError as error:
        _log.warning("A thread that should give way to requests keeps its priority: %s", error)
