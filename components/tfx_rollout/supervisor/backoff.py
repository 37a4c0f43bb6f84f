"""When a process that died is started again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 30.0
STEADY_AFTER_S = 60.0
"""A process that ran this long before it died is started again as if for the first time."""


@dataclass(frozen=True)
class Backoff:
    """Deaths in a row, and how long to wait because of them: doubling from 0.2 s up to 30 s."""

    deaths: int = 0

    def died(self, uptime_s: float) -> Backoff:
        """After another death of a process that ran for `uptime_s` seconds."""
        return Backoff(1 if uptime_s >= STEADY_AFTER_S else self.deaths + 1)

    @property
    def delay_s(self) -> float:
        """Seconds to wait before the next start; none before the first."""
        if not self.deaths:
            return 0.0
        # The exponent is bounded before the power: thousands of deaths would overflow it.
        return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(self.deaths - 1, 16))
