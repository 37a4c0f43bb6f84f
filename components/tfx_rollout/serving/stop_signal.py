"""Being told to stop by SIGTERM or Ctrl-C, whatever the main thread is doing when the signal comes."""

from __future__ import annotations

import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopSignal:
    """Notes the signals that ask a process to stop, for its main thread to wait for.

    No `threading.Event`: its lock may be held by the very thread that the handler interrupts, which would then wait
    for itself. A `SimpleQueue` may be put into at any instant.
    """

    def __init__(self) -> None:
        self.count = 0
        """How often it was told."""
        self._told: queue.SimpleQueue[None] = queue.SimpleQueue()

    def __bool__(self) -> bool:
        """Whether it was told to stop."""
        return self.count > 0

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hears the signals while the block runs; to be used in the main thread."""
        before = {number: signal.signal(number, self._tell) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until it is told to stop, or for so many seconds; whether it was told."""
        if not self:
            try:
                self._told.get(timeout=seconds)
            except queue.Empty:
                return bool(self)
        return True

    def _tell(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        self._told.put(None)
