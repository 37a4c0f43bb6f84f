"""Fisher's noncentral hypergeometric distribution: how bad events fall on two tracks, given their number.

Given `k` bad events among `n_c` canary and `n_b` stable requests, and odds ratio `psi`, the canary has
`x` of them with probability `C(n_c, x) C(n_b, k - x) psi^x / Z(psi)`. Whatever made `k` large
or small (an incident, the time of day) drops out; so does the split, which `n_c` and `n_b` carry.

Tables are int64 arrays `(..., 4)` in the order of `Table`: canary_bad, canary, stable_bad, stable. Counts may
be as large as a billion. An element's result has the same bits whatever the batch it is in.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis.factorial import log_factorial_ratio

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

NEGLIGIBLE = 2.0**-54
"""Terms below this share of the largest one change no bit of a sum that begins with it."""

CELLS = 16_384
"""Terms computed at a time: as many as stay in a core's cache."""

LANES = 2_048
"""Sums taken side by side at most."""


def log_likelihood_ratios(tables: npt.ArrayLike, odds_ratios: npt.ArrayLike, reference: npt.ArrayLike) -> Floats:
    """`log(P_psi(x | k) / P_reference(x | k))`: tables `(..., 4)` to `(..., P)`.

    Odds ratios are `(P,)` or `(..., P)`, the reference is a scalar or `(...)`.

    The distribution has a monotone likelihood ratio in `psi`. So for `psi > reference` the ratio has
    a mean of at most 1 under every odds ratio up to the reference, and for `psi < reference` under
    every one from the reference up: the one-sided e-values that all tests here are made of.

    Exactly 0 where the table can say nothing (no bad event, only bad events, or one track empty).
    """
    counts = np.asarray(tables, dtype=np.int64)
    shape = counts.shape[:-1]
    odds = np.asarray(odds_ratios, dtype=np.float64)
    wanted = np.broadcast_to(odds, (*shape, odds.shape[-1])).reshape(-1, odds.shape[-1])
    against = np.broadcast_to(np.asarray(reference, dtype=np.float64), shape).reshape(-1)
    flat = counts.reshape(-1, 4)
    bad, requests = flat[:, 0] + flat[:, 2], flat[:, 1] + flat[:, 3]
    telling = np.flatnonzero((bad > 0) & (bad < requests) & (flat[:, 1] > 0) & (flat[:, 3] > 0))
    ratios = np.zeros(wanted.shape)
    if telling.size:
        every = np.concatenate([against[telling][None], wanted[telling].T])
        logs = _log_probabilities(flat[telling].T.astype(np.float64), every)
        ratios[telling] = (logs[1:] - logs[0]).T
    return ratios.reshape(*shape, odds.shape[-1])


def _log_probabilities(table: Floats, odds: Floats) -> Floats:
    """`log P_psi(x | k)` of tables `(4, N)` at odds ratios `(P, N)`."""
    x, n_c, y, n_b = table
    mode = _modes(n_c, n_b, x + y, odds)
    # The four cells of the table at the mode: bad and good of the canary, bad and good of stable.
    c_bad, c_good, s_bad, s_good = mode, n_c - mode, x + y - mode, n_b - (x + y) + mode
    step = x - mode
    weight = (
        log_factorial_ratio(c_bad, step)
        + log_factorial_ratio(c_good, -step)
        + log_factorial_ratio(s_bad, -step)
        + log_factorial_ratio(s_good, step)
        + step * np.log(odds * ((c_good + 1) / (c_bad + 1)) * ((s_bad + 1) / (s_good + 1)))
    )
    inverse = 1 / odds
    sides = [
        np.concatenate([above.ravel(), below.ravel()])
        for above, below in ((c_good, c_bad), (s_bad, s_good), (c_bad, c_good), (s_good, s_bad), (odds, inverse))
    ]
    above, below = _sums_from_the_mode(*sides).reshape(2, *odds.shape)
    return weight - np.log(above + (below - 1))


def _modes(n_c: Floats, n_b: Floats, k: Floats, odds: Floats) -> Floats:
    """The likeliest counts, give or take rounding (Liao and Rosen 2001)."""
    b = (n_c + k + 2) * odds + (n_b - k)
    c = (n_c + 1) * (k + 1) * odds
    root = np.sqrt(np.maximum(b * b - 4 * (odds - 1) * c, 0))
    return np.clip(np.floor(2 * c / (b + root)), np.maximum(k - n_b, 0), np.minimum(n_c, k))


def _sums_from_the_mode(a: Floats, b: Floats, c: Floats, d: Floats, odds: Floats) -> Floats:
    """The weights from the mode to one end of the support, relative to that of the mode, summed: `(L,)`.

    The neighbours' ratio is `(a - i) (b - i) odds / ((c + i + 1) (d + i + 1))` for step `i` away from the mode. Weights
    fall ever faster, so a sum is complete when its last term is negligible; going on
    for the sake of others adds terms that change no bit of it.
    """
    widths = np.minimum(np.minimum(a, b), 9 / np.sqrt(1 / (a + 1) + 1 / (b + 1) + 1 / (c + 1) + 1 / (d + 1)))
    order = np.argsort(np.minimum(widths, 65_535).astype(np.uint16), kind="stable")
    sums = np.empty(a.size)
    for lanes in _chunks(order):
        sums[lanes] = _sums_side_by_side(a[lanes], b[lanes], c[lanes], d[lanes], odds[lanes])
    return sums


def _chunks(order: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    for first in range(0, order.size, LANES):
        yield order[first : first + LANES]


def _sums_side_by_side(a: Floats, b: Floats, c: Floats, d: Floats, odds: Floats) -> Floats:
    total, term = np.ones(a.size), np.ones(a.size)
    first, rows = 0, max(8, min(64, CELLS // a.size))
    while True:
        i = np.arange(first, first + rows, dtype=np.float64)[:, None]
        ratios: Floats = (a - i) * (b - i)
        ratios /= (c + (i + 1)) * (d + (i + 1))
        ratios *= odds
        for ratio in ratios:
            term *= ratio
            total += term
        if term.max() < NEGLIGIBLE:
            return total
        first += rows
