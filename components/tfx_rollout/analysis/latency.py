"""What "too slow" means: limits taken from stable's latencies, fixed before they are used.

Each limit turns latency into a bad event, so that the tests for failures serve for it too. The
null hypothesis is then: of the canary's answers no larger share takes longer than
`canary_limit_us` than of stable's takes longer than the quantile. It is tested with a
tolerance of 1, since the ratio and the slack already tolerate.
"""

from __future__ import annotations

QUANTILES = (0.50, 0.90, 0.99)
"""Quantiles of stable's latency that serve as limits: the first two see a shift, the last a tail."""

GATED = (0.90, 0.99)
"""Those of which each has to show that the canary is not slower before a stage passes."""

MIN_BASELINE = 200
"""Answers of stable that its quantiles are taken from, at least."""

LATENCY_TOLERANCE = 1.0
"""Odds ratio of slow answers that is still no regression."""


def canary_limit_us(stable_limit_us: float, ratio: float, slack_ms: float) -> float:
    """The latency in microseconds above which a canary answer is slow, where stable's limit is the given one."""
    return max(ratio * stable_limit_us, stable_limit_us + 1000 * slack_ms)
