"""Whether those who watch may still do so: asked at each message, looked up once for all of one caller's streams."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool

from tfx_rollout.control.http.callers import Caller
from tfx_rollout.errors import RolloutError

log = logging.getLogger("tfx_rollout.control")

FRESH_S = 0.25
"""So long what was found out counts, in seconds: one message goes to many streams at once."""


class Welcome:
    """Whether callers are let in still. For one event loop; `are_still` looks at files, and is called by `glance`."""

    def __init__(
        self,
        are_still: Callable[[Caller], bool],
        glance: Callable[[Callable[[Caller], bool], Caller], Awaitable[bool]] = run_in_threadpool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._are_still, self._glance, self._clock = are_still, glance, clock
        self._asked: dict[Caller, tuple[float, asyncio.Task[bool]]] = {}

    async def of(self, caller: Caller) -> bool:
        """Whether one who was let in before would be let in again; no where that cannot be told."""
        now = self._clock()
        at, found = self._asked.get(caller, (-math.inf, None))
        if found is None or now - at >= FRESH_S:
            self._asked = {who: asked for who, asked in self._asked.items() if now - asked[0] < FRESH_S}
            found = asyncio.ensure_future(self._look_up(caller))
            self._asked[caller] = now, found
        # One stream that ends meanwhile must not end the others.
        return await asyncio.shield(found)

    async def _look_up(self, caller: Caller) -> bool:
        try:
            return await self._glance(self._are_still, caller)
        except RolloutError as error:
            log.warning("%s is let go, since it cannot be told whether the token still counts: %s", caller.name, error)
            return False
