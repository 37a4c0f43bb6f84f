"""What the server says of itself: strangers must not be able to fill the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

ONCE_IN_S = 60.0
"""So often one and the same is said, in seconds."""


class Seldom(logging.Filter):
    """Lets each text through once in `ONCE_IN_S`: what is no HTTP, say, and comes from whoever reaches the port.

    Errors with their story always go through. A stream that breaks off on purpose (see `watching.stream`) never does.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """See `logging.Filter`."""
        if record.exc_info:
            return True
        # The text without its arguments: there are as many as the program has.
        text, now = str(record.msg), self._clock()
        if "without completing response" in text or now - self._said.get(text, -ONCE_IN_S) < ONCE_IN_S:
            return False
        self._said[text] = now
        return True
