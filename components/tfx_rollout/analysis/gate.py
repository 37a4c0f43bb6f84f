"""The evidence that the canary is good enough to pass a stage.

Two e-values, each against "it is bad" in one sense:

- *relative*: its odds of a bad event are at least `bad_odds_ratio` times those of stable, in every
  window. A likelihood ratio as in `regression`, in the other direction. Without any bad event on
  either side it stays at 1 for ever.
- *absolute*: each of its requests, given all before, fails with a probability of at least
  `max_failure_rate`. A betting e-value that needs nothing but the canary's own counts.

`log_joint` is their mean: an e-value against "the canary is bad in *both* senses". So a canary
that fails at `max_failure_rate` or more *and* at `bad_odds_ratio` times stable's odds or more passes
a stage with a probability of at most `beta` when 1/beta is asked for, however long it waits. What
is bad in one sense only may pass: a canary that fails more seldom than the plan cares about, or one
no worse than a stable version which itself fails often. If such a one is worse than
tolerated, it is the regression evidence that stops it, at this stage or a later one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfx_rollout.analysis.combine import log_mean
from tfx_rollout.analysis.fisher import log_likelihood_ratios
from tfx_rollout.analysis.table import Table

GOOD_ODDS_RATIOS = (0.5, 0.75, 1.0, 1.25)
"""Odds ratios of a good canary that the relative evidence bets on, as far as they lie below the bad one."""

GOOD_RATES = ((0.0, 1 / 2), (0.1, 1 / 6), (0.25, 1 / 6), (0.5, 1 / 6))
"""Failure rates of a good canary, as shares of the maximum, with the weight of the bet on each.

Half is bet on "never fails", the usual case, where it needs the fewest requests."""


@dataclass(frozen=True)
class PassageEvidence:
    """The counts of the present stage and the components of the relative e-value, as logarithms."""

    relative: tuple[float, ...] = (0.0,) * len(GOOD_ODDS_RATIOS)
    counts: Table = Table()

    def after(self, table: Table, bad_odds_ratio: float) -> PassageEvidence:
        """With one more window of the stage."""
        ratios = log_likelihood_ratios(table, GOOD_ODDS_RATIOS, bad_odds_ratio).tolist()
        relative = tuple(log + ratio for log, ratio in zip(self.relative, ratios, strict=True))
        return PassageEvidence(relative, self.counts + table)

    def log_relative(self, bad_odds_ratio: float) -> float:
        """Logarithm of the e-value against "bad in the relative sense"."""
        good = [log for log, psi in zip(self.relative, GOOD_ODDS_RATIOS, strict=True) if psi < bad_odds_ratio]
        return log_mean(good)

    def log_absolute(self, max_failure_rate: float) -> float:
        """Logarithm of the e-value against "bad in the absolute sense"."""
        return log_absolute(self.counts.canary_bad, self.counts.canary, max_failure_rate)

    def log_joint(self, bad_odds_ratio: float, max_failure_rate: float) -> float:
        """Logarithm of the e-value against "bad in both senses"."""
        return log_mean([self.log_relative(bad_odds_ratio), self.log_absolute(max_failure_rate)])

    def to_json(self) -> dict[str, Any]:
        return {"relative": list(self.relative), "counts": self.counts.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PassageEvidence:
        return cls(tuple(data["relative"]), Table.from_json(data["counts"]))


def log_absolute(failures: int, requests: int, max_rate: float) -> float:
    """Logarithm of the betting e-value against "every request fails with probability `max_rate` or more".

    A mean over rates `q < max_rate` of `(q/max_rate)^failures ((1-q)/(1-max_rate))^(requests-failures)`:
    a bet on each request whose expectation is at most 1 under the null.
    """
    logs = []
    for part, _ in GOOD_RATES:
        rate = part * max_rate
        clean = (requests - failures) * (math.log1p(-rate) - math.log1p(-max_rate))
        failed = failures * math.log(part) if part else (-math.inf if failures else 0.0)
        logs.append(clean + failed)
    return log_mean(logs, [weight for _, weight in GOOD_RATES])
