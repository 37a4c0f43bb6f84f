"""What a window bets: every table that it has is looked at once, in one call, which is what makes the judge fast.

The bets are those of `analysis.comparison_bets` (against the canary), `analysis.passage_bets` (for it, up to rounding) and
`analysis.coverage_bets` (on the labels).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import EFFECTS, GOOD_ODDS_RATIOS
from tfx_rollout.analysis.fisher import log_ratios_of_multiples

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Question:
    """Tables `(R, n, 4)` and what is bet on: multiples `(…, n, P)` of the odds ratio `(…, n)` that is held against them."""

    tables: Counts
    multiples: Floats
    reference: Floats


def worse(tables: Counts, tolerance: Floats) -> Question:
    """Are the odds of the canary more than `tolerance` (n,) or (R, n) times those of stable? Bets on `EFFECTS`."""
    return Question(tables, EFFECTS, tolerance)


def good(tables: Counts, margin: Floats) -> Question:
    """Are they less than `margin` (n,) or (R, n) times those of stable? Bets on the `GOOD_ODDS_RATIOS` below the margin."""
    bad = margin[..., None]
    return Question(tables, np.where(bad > GOOD_ODDS_RATIOS, GOOD_ODDS_RATIOS / bad, 1.0), margin)


def answers(*questions: Question) -> list[Floats]:
    """The logarithms that each question's bets multiply the evidence with: `(R, n, P)` each.

    Where one has fewer bets than another, 1 stands in for a multiple: a bet that changes nothing.
    """
    tables = np.concatenate([question.tables for question in questions], axis=1)
    most = max(question.multiples.shape[-1] for question in questions)
    multiples, against = np.ones((*tables.shape[:2], most)), np.empty(tables.shape[:2])
    places, first = [], 0
    for question in questions:
        place, bets = slice(first, first + question.tables.shape[1]), question.multiples.shape[-1]
        against[:, place] = question.reference
        multiples[:, place, :bets] = question.multiples
        places.append((place, bets))
        first = place.stop
    ratios = log_ratios_of_multiples(tables, multiples, against)
    return [ratios[:, place, :bets] for place, bets in places]


def in_order(bets: Floats) -> Floats:
    """The sum over axis 1, one after the other: what is padded with zeros has the same bits as without."""
    if not bets.shape[1]:
        return np.zeros((bets.shape[0], *bets.shape[2:]))
    return np.cumsum(bets, axis=1)[:, -1]
