"""What "too slow" means: limits taken from stable's latencies, fixed before they are used.

Each limit turns latency into a bad event, so that counts serve for it too. That the canary may be
somewhat slower (ratio and slack) is in its own limit; the bets tolerate nothing on top of it.
"""

from __future__ import annotations

QUANTILES = (0.50, 0.90, 0.99)
"""Quantiles of stable's latency that serve as limits: the first two see a shift, the last a tail."""

GATED = (0.90, 0.99)
"""Those of which each has to show that the canary is not slower before a stage passes."""

MIN_BASELINE = 200
"""Answers of stable that limits are taken from, at least."""

FULL_BASELINE = 2000
"""Answers of stable from which on limits stay as they are until the next stage. Before, every
window corrects them for those after it: a single stall can lift the 99 % quantile of a few hundred."""


def canary_limit_us(stable_limit_us: float, ratio: float, slack_ms: float) -> float:
    """The latency in microseconds above which a canary answer is slow, where stable's limit is the given one."""
    return max(ratio * stable_limit_us, stable_limit_us + 1000 * slack_ms)


def max_slow_rate(quantile: float, bad_odds_ratio: float) -> float:
    """The rate of slow answers that is bad in the absolute sense: the odds that stable had at this limit when it was
    taken, times the odds ratio that is bad. Without it a canary could never show that it is not slower where neither
    track has slow answers any more (a limit that was taken in a busier time)."""
    odds = bad_odds_ratio * (1 - quantile) / quantile
    return odds / (1 + odds)
