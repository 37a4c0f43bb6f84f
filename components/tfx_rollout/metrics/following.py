"""Keeps the metrics of the traffic up to date, in a thread beside what serves them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tfx_rollout.errors import RolloutError
from tfx_rollout.metrics.traffic import TrafficMetrics

log = logging.getLogger("tfx_rollout.metrics")

TURN_S = 1.0
"""Seconds between two steps when there is nothing more to read."""
BEHIND_S = 0.02
"""Seconds between two steps while there is: so that who serves requests in this process gets its turns."""


@contextmanager
def following(traffic: TrafficMetrics) -> Iterator[None]:
    """Advances the metrics while the block runs. A storage that refuses is logged, once until it is back."""
    stopped = threading.Event()
    thread = threading.Thread(target=_follow, args=(traffic, stopped), name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _follow(traffic: TrafficMetrics, stopped: threading.Event) -> None:
    refused = False
    wait_s = 0.0
    while not stopped.wait(wait_s):
        try:
            wait_s = BEHIND_S if traffic.advance() else TURN_S
            refused = False
        except (RolloutError, OSError) as error:
            if not refused:
                log.warning("the metrics of the traffic stand still: %s", error)
            refused, wait_s = True, TURN_S
