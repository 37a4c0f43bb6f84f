"""What a window is asked: tables and the bets on them, all of them answered in one call, which is what makes the judge fast.

Each bet is a likelihood ratio of Fisher's noncentral hypergeometric distribution (`fisher`), and is given as a logarithm: what
it multiplies the evidence with. Under the null hypothesis of its question it has a mean of at most 1, given everything
before the window, whatever the split and stable's own rate were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.bets import EFFECTS
from tfx_rollout.analysis.fisher import log_ratios_of_multiples
from tfx_rollout.analysis.gate import GOOD_ODDS_RATIOS

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_OTHER_WAY = [2, 3, 0, 1]


@dataclass(frozen=True)
class Question:
    """Tables `(..., n, 4)` and what is bet on: multiples `(..., n, P)` of the odds ratio `(..., n)` that is held against them.

    Both may have fewer axes, if they broadcast to these shapes.
    """

    tables: Counts
    multiples: Floats
    reference: Floats


def worse(tables: npt.ArrayLike, tolerance: npt.ArrayLike) -> Question:
    """Is the canary worse than tolerated? Bets on `EFFECTS`.

    Null hypothesis: in every window the canary's odds of a bad event are at most `tolerance` (`(..., n)` or a scalar) times
    those of stable, request by request. Stable's own rate may change from window to window as it likes.

    Events of one window must not come in bursts that hit one track by chance. Failures seldom do; slow answers always do, since a
    server that stands still delays all that it holds. So latencies are to be those of requests further apart than
    a stall lasts, then a stall counts once.
    """
    return Question(np.asarray(tables, dtype=np.int64), EFFECTS, np.asarray(tolerance, dtype=np.float64))


def good(tables: npt.ArrayLike, margin: npt.ArrayLike) -> Question:
    """Is the canary good enough to pass? Bets on `GOOD_ODDS_RATIOS`.

    Null hypothesis: in every window the canary's odds of a bad event are at least `margin` (`(..., n)` or a scalar) times
    those of stable. A good odds ratio that is not below the margin adds 0, and is left out of the mean in `log_relative`.
    """
    bad = np.asarray(margin, dtype=np.float64)
    multiples = np.where(bad[..., None] > GOOD_ODDS_RATIOS, GOOD_ODDS_RATIOS / bad[..., None], 1.0)
    return Question(np.asarray(tables, dtype=np.int64), multiples, bad)


def uneven(tables: npt.ArrayLike) -> Question:
    """Label-coverage guard: does one track miss more labels than the other? Asks of `2 n` tables where `n` are given.

    The bad event is "this request's label is missing". First come the bets that the canary misses more, for each table, then
    those that stable does. Null hypothesis of either: its odds of a missing label are at most those of the other track.
    """
    counts = np.asarray(tables, dtype=np.int64)
    return worse(np.concatenate([counts, counts[..., _OTHER_WAY]], axis=-2), 1.0)


def answers(*questions: Question) -> list[Floats]:
    """The logarithms that each question's bets multiply the evidence with: `(..., n, P)` each.

    The questions may differ in their number of tables and of bets, not in the axes before. Where one has fewer bets than
    another, 1 stands in for a multiple: a bet that changes nothing.
    """
    tables = np.concatenate([question.tables for question in questions], axis=-2)
    most = max(question.multiples.shape[-1] for question in questions)
    multiples, against = np.ones((*tables.shape[:-1], most)), np.empty(tables.shape[:-1])
    places, first = [], 0
    for question in questions:
        place, bets = slice(first, first + question.tables.shape[-2]), question.multiples.shape[-1]
        against[..., place] = question.reference
        multiples[..., place, :bets] = question.multiples
        places.append((place, bets))
        first = place.stop
    ratios = log_ratios_of_multiples(tables, multiples, against)
    return [ratios[..., place, :bets] for place, bets in places]


def in_order(bets: Floats) -> Floats:
    """The sum over the tables `(..., n, P)`, one after the other: what is padded with zeros has the same bits as without."""
    if not bets.shape[-2]:
        return np.zeros((*bets.shape[:-2], bets.shape[-1]))
    return np.cumsum(bets, axis=-2)[..., -1, :]
