"""What a window bets: every table that it has is looked at once, in one call, which is what makes the judge fast.

The bets are those of `analysis.comparison_bets` (against the canary), `analysis.passage_bets` (for it) and
`analysis.coverage_bets` (on the labels), bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import EFFECTS, GOOD_ODDS_RATIOS, log_likelihood_ratios

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Question:
    """Tables `(R, n, 4)`, odds ratios to bet on `(…, n, E)`, and the reference that they are held against `(…, n)`."""

    tables: Counts
    odds_ratios: Floats
    reference: Floats


def worse(tables: Counts, tolerance: Floats) -> Question:
    """Are the odds of the canary more than `tolerance` (n,) or (R, n) times those of stable? Bets on `EFFECTS`."""
    return Question(tables, tolerance[..., None] * EFFECTS, tolerance)


def good(tables: Counts, margin: Floats) -> Question:
    """Are they less than `margin` (n,) or (R, n) times those of stable? Bets on `GOOD_ODDS_RATIOS`.

    There are fewer of these than effects; the rest, and those not below the margin, are the margin itself, which bets nothing.
    """
    bad = margin[..., None]
    odds = np.concatenate([np.where(bad > GOOD_ODDS_RATIOS, GOOD_ODDS_RATIOS, bad), np.repeat(bad, _SPARE, axis=-1)], axis=-1)
    return Question(tables, odds, margin)


def answers(*questions: Question) -> list[Floats]:
    """The logarithms that each question's bets multiply the evidence with: `(R, n, E)` each."""
    shapes = [question.tables.shape[:2] for question in questions]
    tables = np.concatenate([question.tables for question in questions], axis=1)
    odds = np.concatenate(
        [np.broadcast_to(q.odds_ratios, (*shape, len(EFFECTS))) for q, shape in zip(questions, shapes, strict=True)], axis=1
    )
    against = np.concatenate([np.broadcast_to(q.reference, shape) for q, shape in zip(questions, shapes, strict=True)], axis=1)
    ratios = log_likelihood_ratios(tables, odds, against)
    return np.split(ratios, np.cumsum([n for _, n in shapes])[:-1], axis=1)


def in_order(bets: Floats) -> Floats:
    """The sum over axis 1, one after the other: what is padded with zeros has the same bits as without."""
    if not bets.shape[1]:
        return np.zeros((bets.shape[0], *bets.shape[2:]))
    return np.cumsum(bets, axis=1)[:, -1]


_SPARE = len(EFFECTS) - len(GOOD_ODDS_RATIOS)
