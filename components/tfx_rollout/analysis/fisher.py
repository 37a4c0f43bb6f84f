"""Fisher's noncentral hypergeometric distribution: how bad events fall on two tracks, given their number.

Given `k` bad events among `n_c` canary and `n_b` stable requests, and odds ratio `psi`, the canary has
`x` of them with probability `C(n_c, x) C(n_b, k - x) psi^x / Z(psi)`. Whatever made `k` large
or small (an incident, the time of day) drops out; so does the split, which `n_c` and `n_b` carry.

Tables are int64 arrays `(..., 4)` in the order of `Table`: canary_bad, canary, stable_bad, stable. Counts may
be as large as a billion. An element's result has the same bits whatever the batch it is in.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.factorial import log_factorial_ratio

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

LARGEST_GROWTH = 600.0
"""Logarithm up to which a term may exceed that of the anchor: well within what a float holds."""

NEGLIGIBLE = 2.0**-54
"""Terms below this share of a sum change no bit of it."""

CELLS = 65_536
"""Numbers worked on at a time: as many as stay in a core's cache."""


def log_likelihood_ratios(tables: npt.ArrayLike, odds_ratios: npt.ArrayLike, reference: npt.ArrayLike) -> Floats:
    """`log(P_psi(x | k) / P_reference(x | k))`: tables `(..., 4)` to `(..., P)`.

    Odds ratios are `(P,)` or `(..., P)`, the reference is a scalar or `(...)`; all of them positive.

    The distribution has a monotone likelihood ratio in `psi`. So for `psi > reference` the ratio has
    a mean of at most 1 under every odds ratio up to the reference, and for `psi < reference` under
    every one from the reference up: the one-sided e-values that all tests here are made of.

    Exactly 0 where the table can say nothing (no bad event, only bad events, or one track empty).
    """
    counts = np.asarray(tables, dtype=np.int64)
    shape, flat = counts.shape[:-1], counts.reshape(-1, 4)
    odds = _every_odds_ratio(shape, np.asarray(odds_ratios, dtype=np.float64), np.asarray(reference, dtype=np.float64))
    size = len(odds) - 1
    width = _support(flat)
    middle = np.sqrt(odds.min(axis=0) * odds.max(axis=0))
    narrow = width * np.log(odds.max(axis=0) / middle) <= LARGEST_GROWTH
    ratios = np.zeros((len(flat), size))
    for some, logs in ((narrow, _log_weights_around_one_anchor), (~narrow, _log_probabilities)):
        for chosen in _chunks(width, some & (width > 0), size):
            found = logs(flat[chosen].T.astype(np.float64), odds if odds.shape[1] == 1 else odds[:, chosen])
            ratios[chosen] = (found[1:] - found[0]).T
    return ratios.reshape(*shape, size)


def _every_odds_ratio(shape: tuple[int, ...], odds_ratios: Floats, reference: Floats) -> Floats:
    """The reference and the odds ratios one below the other: `(1 + P, N)`, or `(1 + P, 1)` where all tables have the same."""
    if odds_ratios.ndim == 1 and reference.ndim == 0:
        return np.concatenate([reference[None], odds_ratios])[:, None]
    size = odds_ratios.shape[-1]
    wanted = np.broadcast_to(odds_ratios, (*shape, size)).reshape(-1, size)
    against = np.broadcast_to(reference, shape).reshape(-1, 1)
    return np.concatenate([against, wanted], axis=1).T


def _support(tables: Counts) -> Counts:
    """How many counts the canary might have had beside the observed one, given all the rest."""
    canary_bad, canary, stable_bad, stable = tables.T
    bad = canary_bad + stable_bad
    return np.minimum(np.minimum(canary, stable), np.minimum(bad, canary + stable - bad))


def _chunks(width: Counts, some: npt.NDArray[np.bool_], size: int) -> Iterator[npt.NDArray[np.intp]]:
    """The tables in question, in chunks of about equal width that fit the cache."""
    chosen = np.flatnonzero(some)
    chosen = chosen[np.argsort(np.minimum(width[chosen], 65_535).astype(np.uint16), kind="stable")[::-1]]
    first = 0
    while first < chosen.size:
        longest = max(2 * int(width[chosen[first]]), 2 * size)
        chunk = chosen[first : first + max(16, CELLS // longest)]
        yield chunk
        first += chunk.size


def _log_weights_around_one_anchor(table: Floats, odds: Floats) -> Floats:
    """`log P_psi(x | k)` of narrow tables `(4, N)` at odds ratios `(P, N)`, up to a constant of each table.

    All odds ratios share the weights of the counts, taken relative to that of one count (the likeliest at
    the odds ratio in the middle), and differ only in the powers that these are summed with.
    """
    middle = np.sqrt(odds.min(axis=0) * odds.max(axis=0))
    anchor = _modes(table, middle)
    c_bad, c_good, s_bad, s_good = _cells(table, anchor)
    powers = np.broadcast_to(odds / middle, (len(odds), anchor.size))
    above = _polynomials(_weights(c_good, s_bad, c_bad, s_good, middle), powers.copy())
    below = _polynomials(_weights(c_bad, s_good, c_good, s_bad, 1 / middle), 1 / powers)
    return (table[0] - anchor) * np.log(odds) - np.log(1 + above + below)


def _weights(a: Floats, b: Floats, c: Floats, d: Floats, odds: Floats) -> Floats:
    """The weights of the counts on one side of the anchor relative to its own, one row for each step away from it: `(R, N)`.

    The count `i + 1` steps away has `(a - i) (b - i) odds / ((c + i + 1) (d + i + 1))` times the weight
    of that `i` steps away, where `a, b, c, d` are the cells of the table at the anchor: exactly 0 beyond the last.
    """
    i: Floats = np.arange(np.minimum(a, b).max())[:, None]
    weights: Floats = np.maximum(a - i, 0) * (b - i)
    weights /= (c + (i + 1)) * (d + (i + 1))
    weights *= odds
    for nearer, weight in pairwise(weights):
        weight *= nearer
    return weights


def _polynomials(coefficients: Floats, arguments: Floats) -> Floats:
    """`sum_i coefficients[i] arguments^(i + 1)` for coefficients `(R, N)` and arguments `(P, N)`, by Horner's rule."""
    total = np.zeros(arguments.shape)
    for row in coefficients[::-1]:
        total += row
        total *= arguments
    return total


def _log_probabilities(table: Floats, odds: Floats) -> Floats:
    """`log P_psi(x | k)` of tables `(4, N)` of any size at odds ratios `(P, N)`: each from its own likeliest count."""
    shape = np.broadcast_shapes(odds.shape, table[0].shape)
    lanes = np.broadcast_to(table[:, None], (4, *shape)).reshape(4, -1)
    psi = np.broadcast_to(odds, shape).ravel()
    mode = _modes(lanes, psi)
    c_bad, c_good, s_bad, s_good = _cells(lanes, mode)
    step = lanes[0] - mode
    weight = (
        log_factorial_ratio(c_bad, step)
        + log_factorial_ratio(c_good, -step)
        + log_factorial_ratio(s_bad, -step)
        + log_factorial_ratio(s_good, step)
        + step * np.log(psi * ((c_good + 1) / (c_bad + 1)) * ((s_bad + 1) / (s_good + 1)))
    )
    above = _sums_from_the_mode(c_good, s_bad, c_bad, s_good, psi)
    below = _sums_from_the_mode(c_bad, s_good, c_good, s_bad, 1 / psi)
    return (weight - np.log(1 + above + below)).reshape(shape)


def _sums_from_the_mode(a: Floats, b: Floats, c: Floats, d: Floats, odds: Floats) -> Floats:
    """The weights on one side of the mode relative to its own, summed: `(N,)`. Cells as in `_weights`.

    They fall ever faster. So a sum is complete when its last term is negligible, and going on
    for the sake of others changes no bit of it.
    """
    total, term = np.ones(a.size), np.ones(a.size)
    first, rows = 0, max(8, CELLS // (4 * a.size))
    while (term >= NEGLIGIBLE * total).any():
        i: Floats = np.arange(first, first + rows, dtype=np.float64)[:, None]
        ratios: Floats = (a - i) * (b - i)
        ratios /= (c + (i + 1)) * (d + (i + 1))
        ratios *= odds
        for ratio in ratios:
            term *= ratio
            total += term
        first += rows
    return total - 1


def _cells(table: Floats, x: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Bad and good events of the canary and of stable, if the canary had `x` of the bad ones."""
    canary_bad, canary, stable_bad, stable = table
    bad = canary_bad + stable_bad
    return x, canary - x, bad - x, stable - bad + x


def _modes(table: Floats, odds: Floats) -> Floats:
    """The likeliest counts, give or take rounding: the root of the quadratic by Liao and Rosen (2001)."""
    canary_bad, canary, stable_bad, stable = table
    bad = canary_bad + stable_bad
    b = (canary + bad + 2) * odds + (stable - bad)
    c = (canary + 1) * (bad + 1) * odds
    root = np.sqrt(np.maximum(b * b - 4 * (odds - 1) * c, 0))
    return np.clip(np.floor(2 * c / (b + root)), np.maximum(bad - stable, 0), np.minimum(canary, bad))
