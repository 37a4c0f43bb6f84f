"""The scheduling priority of threads that must not disturb requests."""

from __future__ import annotations

import logging
import os
import threading

LOAD_NICENESS = 5
"""Niceness of a loading thread: behind requests, yet never starved (it may hold the interpreter's lock)."""

_log = logging.getLogger(__name__)


def yield_to_requests() -> None:
    """Lowers the priority of the calling thread alone (on Linux niceness is per thread)."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOAD_NICENESS)
    except OSError as error:
        _log.warning("The loading thread keeps its priority: %s", error)
