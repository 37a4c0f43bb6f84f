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

NARROW = 96
"""Other counts possible beside the observed one, up to which all odds ratios of a table share one pass over its counts."""

LARGEST_GROWTH = 600.0
"""Logarithm up to which powers may grow or shrink in it: well within what a float holds."""

NEGLIGIBLE = 2.0**-54
"""Terms below this share of a sum change no bit of it."""

CELLS = 131_072
"""Numbers worked on at a time: as many as stay in a core's cache."""

FEW_LANES = 256
"""Sums side by side up to which it is faster to go along each than from row to row; the bits are the same."""


def log_ratios_of_multiples(tables: npt.ArrayLike, multiples: npt.ArrayLike, reference: npt.ArrayLike) -> Floats:
    """`log(P_psi(x | k) / P_reference(x | k))` where `psi` is a multiple of the reference: tables `(..., 4)` to `(..., P)`.

    Multiples are `(P,)`, which is faster, or `(..., P)`, the reference is a scalar or `(...)`; they and their products lie
    between 1e-100 and 1e100.

    The distribution has a monotone likelihood ratio in `psi`. So for a multiple above 1 the ratio has
    a mean of at most 1 under every odds ratio up to the reference, and for one below 1 under
    every one from the reference up: the one-sided e-values that all tests here are made of.

    Exactly 0 where the table can say nothing (no bad event, only bad events, or one track empty).
    """
    counts = np.asarray(tables, dtype=np.int64)
    shape, flat = counts.shape[:-1], counts.reshape(-1, 4)
    times = np.asarray(multiples, dtype=np.float64)
    size = times.shape[-1]
    against = np.broadcast_to(np.asarray(reference, dtype=np.float64), shape).reshape(-1)
    each = times[:, None] if times.ndim == 1 else np.broadcast_to(times, (*shape, size)).reshape(-1, size).T
    spread = np.log(np.maximum(each.max(axis=0), 1) / np.minimum(each.min(axis=0), 1))
    width = _support(flat)
    narrow = (width <= NARROW) & (width * spread <= 2 * LARGEST_GROWTH)
    ratios = np.zeros((len(flat), size))
    for some, log_ratios in ((narrow, _log_ratios_from_one_anchor), (~narrow, _log_ratios_from_every_mode)):
        for chosen in _chunks(width, some & (width > 0), size):
            own = each if times.ndim == 1 else each[:, chosen]
            ratios[chosen] = log_ratios(flat[chosen].T.astype(np.float64), own, against[chosen]).T
    return ratios.reshape(*shape, size)


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
        longest = 2 * max(min(int(width[chosen[first]]), NARROW), size)
        chunk = chosen[first : first + CELLS // longest]
        yield chunk
        first += chunk.size


def _log_ratios_from_one_anchor(table: Floats, multiples: Floats, reference: Floats) -> Floats:
    """The log-likelihood ratios of narrow tables `(4, N)` at multiples `(P, N)` or `(P, 1)` of the reference: `(P, N)`.

    All odds ratios share the weights of the counts, taken relative to that of one count (the likeliest at
    the odds ratio in the middle), and differ only in the powers that these are summed with.
    """
    every = np.concatenate([np.ones((1, multiples.shape[1])), multiples])
    centre = np.sqrt(every.min(axis=0) * every.max(axis=0))
    middle = reference * centre
    anchor = _modes(table, middle)
    above, below = _both_sides(table, anchor)
    powers = np.broadcast_to(every / centre, (len(every), anchor.size))
    sums = 1 + _polynomials(_weights(above, middle), powers.copy()) + _polynomials(_weights(below, 1 / middle), 1 / powers)
    log_sums = np.log(sums)
    return (table[0] - anchor) * np.log(multiples) - (log_sums[1:] - log_sums[0])


def _weights(cells: Floats, odds: Floats) -> Floats:
    """The weights of the counts on one side of the anchor relative to its own, one row for each step away from it: `(R, N)`.

    From the first impossible count on they are 0.
    """
    a, b, c, d = cells
    i: Floats = np.arange(np.minimum(a, b).max())[:, None]
    weights: Floats = a - i
    weights *= b - i
    divisors: Floats = c + (i + 1)
    divisors *= d + (i + 1)
    weights /= divisors
    weights *= odds
    _accumulate(np.multiply, weights)
    return weights


def _polynomials(coefficients: Floats, arguments: Floats) -> Floats:
    """`sum_i coefficients[i] arguments^(i + 1)` for coefficients `(R, N)` and arguments `(P, N)`, by Horner's rule."""
    total = np.zeros(arguments.shape)
    for row in coefficients[::-1]:
        total += row
        total *= arguments
    return total


def _log_ratios_from_every_mode(table: Floats, multiples: Floats, reference: Floats) -> Floats:
    """The same for tables of any size: each odds ratio has its own sum, from its own likeliest count outward."""
    every = reference * np.concatenate([np.ones((1, multiples.shape[1])), multiples])
    lanes = np.broadcast_to(table[:, None], (4, *every.shape)).reshape(4, -1)
    log_probabilities = _log_probabilities(lanes, every.ravel()).reshape(every.shape)
    return log_probabilities[1:] - log_probabilities[0]


def _log_probabilities(table: Floats, odds: Floats) -> Floats:
    """`log P_psi(x | k)` of tables `(4, N)` at odds ratios `(N,)`."""
    mode = _modes(table, odds)
    above, below = _both_sides(table, mode)
    c_good, s_bad, c_bad, s_good = above
    step = table[0] - mode
    weight = (
        log_factorial_ratio(c_bad, step)
        + log_factorial_ratio(c_good, -step)
        + log_factorial_ratio(s_bad, -step)
        + log_factorial_ratio(s_good, step)
        + step * np.log(odds * ((c_good + 1) / (c_bad + 1)) * ((s_bad + 1) / (s_good + 1)))
    )
    sums = _sums_from_the_mode(np.concatenate([above, below], axis=1), np.concatenate([odds, 1 / odds]))
    return weight - np.log(1 + sums[: mode.size] + sums[mode.size :])


def _sums_from_the_mode(cells: Floats, odds: Floats) -> Floats:
    """The weights on one side of the mode relative to its own, summed: `(N,)`.

    They fall ever faster. So a sum is complete when its last term is negligible, and going on
    for the sake of others changes no bit of it.
    """
    a, b, c, d = cells
    total, term = np.ones(a.size), np.ones(a.size)
    first, rows = 0, min(max(8, CELLS // (4 * a.size)), 64)
    while (term >= NEGLIGIBLE * total).any():
        i: Floats = np.arange(first, first + rows, dtype=np.float64)[:, None]
        ratios: Floats = a - i
        ratios *= b - i
        divisors: Floats = c + (i + 1)
        divisors *= d + (i + 1)
        ratios /= divisors
        ratios *= odds
        ratios[0] *= term
        _accumulate(np.multiply, ratios)
        term = ratios[-1].copy()
        ratios[0] += total
        _accumulate(np.add, ratios)
        total = ratios[-1]
        first += rows
    return total - 1


def _accumulate(operation: np.ufunc, rows: Floats) -> None:
    """Each row becomes the result of all rows up to it, one after the other."""
    if rows.shape[1] < FEW_LANES:
        operation.accumulate(rows, axis=0, out=rows)
        return
    for before, row in pairwise(rows):
        operation(before, row, out=row)


def _both_sides(table: Floats, x: Floats) -> tuple[Floats, Floats]:
    """The cells `a, b, c, d` that the weights above and below `x` bad events of the canary are made of: `(4, N)` each.

    The count `i + 1` steps from `x` has `(a - i) (b - i) odds / ((c + i + 1) (d + i + 1))` times the weight of that `i` steps
    from it, with the inverse of the odds ratio below. Bad and good events change places from one side to the other.
    """
    canary_bad, canary, stable_bad, stable = table
    bad = canary_bad + stable_bad
    c_bad, c_good, s_bad, s_good = x, canary - x, bad - x, stable - bad + x
    return np.stack([c_good, s_bad, c_bad, s_good]), np.stack([c_bad, s_good, c_good, s_bad])


def _modes(table: Floats, odds: Floats) -> Floats:
    """The likeliest counts, give or take rounding: the root of `(odds - 1) x^2 - b x + c` by Liao and Rosen (2001)."""
    canary_bad, canary, stable_bad, stable = table
    bad = canary_bad + stable_bad
    b = (canary + bad + 2) * odds + (stable - bad)
    c = (canary + 1) * (bad + 1) * odds
    discriminant = np.sqrt(np.maximum(b * b - 4 * (odds - 1) * c, 0))
    # Of the two forms of the root the one that does not cancel; b < 0 only where the odds ratio is below 1.
    root = np.where(b < 0, b - discriminant, 2 * c) / np.where(b < 0, 2 * (odds - 1), b + discriminant)
    return np.clip(np.floor(root), np.maximum(bad - stable, 0), np.minimum(canary, bad))
