"""How large the difference is for which a candidate was blamed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfx_rollout.rollout.judge import Verdict


def with_odds_ratios(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON, with the `odds_ratio` that the leading test of each metric to blame leaves standing.

    `[low, high]` at a level of 95 % (`TestEvidence.odds_ratio_interval`), `high` None where there is no bound. Absent where the
    test compares no two groups of requests: absolute limits, and pairs of answers to the same request. Takes milliseconds
    for thousands of bad events, some tenths of a second for many millions; hence for the metrics to blame only.
    """
    data = verdict.to_json()
    for name in verdict.flagged:
        metric = verdict.metrics[name]
        leading = metric.leading
        if not (leading.counts.canary and leading.counts.stable) or leading.name == "pairs":
            continue
        low, high = leading.odds_ratio_interval()
        test = data["metrics"][name]["tests"][metric.tests.index(leading)]
        test["odds_ratio"] = [low, high if math.isfinite(high) else None]
    return data
