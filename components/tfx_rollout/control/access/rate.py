"""How often somebody may ask: a token bucket for each identity. Pure; the clock is given."""

from __future__ import annotations

import math
from collections import OrderedDict

MOST_IDENTITIES = 10_000
"""How many are remembered; of more the one heard of longest ago is forgotten, which is as good as a full bucket."""


class RateLimit:
    """Allows `per_second` on the long run and `burst` at once, for each identity by itself."""

    def __init__(self, per_second: float, burst: float, *, most: int = MOST_IDENTITIES) -> None:
        if not (per_second > 0 and burst >= 1):
            raise ValueError(f"a rate of {per_second} a second with bursts of {burst} would let nothing through")
        self.per_second, self.burst = per_second, burst
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """By identity: what was left, and when."""

    def take(self, identity: str, now: float, *, cost: float = 1.0) -> float:
        """Takes `cost` of this identity's allowance; returns 0, or the seconds after which it may try again.

        `now` in seconds of a clock that only goes forward. What costs more than a whole burst is let through
        when the bucket is full, and paid off then.
        """
        left, then = self._buckets.pop(identity, (self.burst, now))
        left = min(self.burst, left + max(0.0, now - then) * self.per_second)
        needed = min(cost, self.burst)
        allowed = left >= needed
        self._buckets[identity] = (left - cost if allowed else left, max(now, then))
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if allowed:
            return 0.0
        return math.nextafter((needed - left) / self.per_second, math.inf)
