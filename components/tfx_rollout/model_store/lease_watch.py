"""Whether a holder on another host is alive, watched without waiting and without taking anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tfx_rollout.model_store.lease import TTL_S, Lease


class LeaseWatch:
    """Looks at a lease now and then, and says whether its holder, of another kernel than this one, renews it.

    One that was just seen for the first time counts as alive until it was seen unrenewed for `ttl_s`.
    """

    def __init__(self, folder: Path, *, ttl_s: float = TTL_S, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lease = Lease(folder, ttl_s=ttl_s)
        self._monotonic = monotonic
        self._seen: object = None
        self._since = 0.0

    def lives(self) -> bool:
        """Whether a holder elsewhere lives, as far as can be told now. Raises `StorageFault`."""
        seen = self._lease.look()
        if seen.holder is None or seen.released or seen.holder.boot == self._lease.holder.boot:
            return False
        now = self._monotonic()
        if seen != self._seen:
            self._seen, self._since = seen, now
        return now - self._since < self._lease.ttl_s
