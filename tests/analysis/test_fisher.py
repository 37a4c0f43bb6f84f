from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nchypergeom_fisher

from tfx_rollout.analysis import Table, log_likelihood_ratios

ODDS = (0.5, 1.0, 1.5, 3.0, 37.5)


@st.composite
def tables(draw, most: int = 400) -> Table:
    canary, stable = draw(st.integers(0, most)), draw(st.integers(0, most))
    return Table(draw(st.integers(0, canary)), canary, draw(st.integers(0, stable)), stable)


def exact(table: Table, psi: Fraction, reference: Fraction) -> Fraction:
    k, x = table.bad, table.canary_bad
    support = range(max(0, k - table.stable), min(table.canary, k) + 1)
    weights = {j: math.comb(table.canary, j) * math.comb(table.stable, k - j) for j in support}

    def share(odds: Fraction) -> Fraction:
        return weights[x] * odds**x / sum(w * odds**j for j, w in weights.items())

    return share(psi) / share(reference)


@given(tables())
def test_ratios_are_those_of_the_noncentral_hypergeometric_distribution(table):
    found = np.exp(log_likelihood_ratios(table.to_array(), ODDS, 1.25))
    args = (table.requests, table.canary, table.bad)
    if table.requests == 0:
        expected = np.ones(len(ODDS))
    else:
        reference = nchypergeom_fisher.pmf(table.canary_bad, *args, 1.25)
        if reference < 1e-200:  # the oracle itself runs out of digits there
            return
        expected = np.array([nchypergeom_fisher.pmf(table.canary_bad, *args, psi) for psi in ODDS]) / reference
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-200)


def test_ratios_are_exact_fractions_on_every_small_table():
    for canary, stable in product(range(5), range(6)):
        for x, y in product(range(canary + 1), range(stable + 1)):
            table = Table(x, canary, y, stable)
            found = np.exp(log_likelihood_ratios(table.to_array(), [0.5, 3.0], 1.25))
            expected = [float(exact(table, Fraction(psi), Fraction(5, 4))) for psi in (Fraction(1, 2), Fraction(3))]
            np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("true", [0.2, 0.8, 1.0, 1.25])
def test_the_mean_ratio_is_at_most_one_wherever_the_null_holds(true):
    for canary, stable, k in [(1, 1, 1), (3, 97, 5), (20, 20, 11), (7, 60, 60), (200, 50, 13)]:
        support = range(max(0, k - stable), min(canary, k) + 1)
        shares = [nchypergeom_fisher.pmf(x, canary + stable, canary, k, true) for x in support]
        for psi in (1.5, 3.0, 40.0):
            ratios = [np.exp(log_likelihood_ratios([x, canary, k - x, stable], [psi], 1.25)[0]) for x in support]
            mean = float(np.dot(shares, ratios))
            assert mean <= 1 + 1e-9
            if true == 1.25:
                assert mean == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("true", [3.0, 3.5, 20.0])
def test_the_mean_ratio_of_a_gate_is_at_most_one_for_a_bad_canary(true):
    for canary, stable, k in [(3, 97, 5), (20, 20, 11), (200, 50, 13)]:
        support = range(max(0, k - stable), min(canary, k) + 1)
        shares = [nchypergeom_fisher.pmf(x, canary + stable, canary, k, true) for x in support]
        for psi in (0.5, 1.25):
            ratios = [np.exp(log_likelihood_ratios([x, canary, k - x, stable], [psi], 3.0)[0]) for x in support]
            assert float(np.dot(shares, ratios)) <= 1 + 1e-9


@pytest.mark.parametrize(
    "table",
    [
        Table(12, 10_000_000, 140, 990_000_000),
        Table(0, 10, 37, 1_000_000_000),
        Table(25, 1_000_000_000, 0, 3),
        Table(60, 500_000_000, 60, 500_000_000),
    ],
)
def test_counts_of_a_billion_neither_overflow_nor_lose_digits(table):
    found = log_likelihood_ratios(table.to_array(), [0.5, 3.0], 1.25)
    expected = [exact(table, Fraction(psi), Fraction(5, 4)) for psi in (Fraction(1, 2), Fraction(3))]
    logs = [math.log(ratio.numerator) - math.log(ratio.denominator) for ratio in expected]
    np.testing.assert_allclose(found, logs, rtol=1e-9, atol=1e-9)


@given(tables())
def test_swapping_the_tracks_inverts_the_odds(table):
    swapped = Table(table.stable_bad, table.stable, table.canary_bad, table.canary)
    one_way = log_likelihood_ratios(table.to_array(), [3.0, 0.5], 1.25)
    other_way = log_likelihood_ratios(swapped.to_array(), [1 / 3.0, 2.0], 0.8)
    np.testing.assert_allclose(one_way, other_way, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "table", [Table(), Table(0, 50, 0, 100), Table(50, 50, 100, 100), Table(0, 0, 7, 100), Table(5, 9, 0, 0)]
)
def test_a_table_without_information_says_exactly_nothing(table):
    assert log_likelihood_ratios(table.to_array(), ODDS, 1.25).tolist() == [0.0] * len(ODDS)


@pytest.mark.parametrize("counts", [(3, 2, 0, 1), (0, 1, 5, 4), (-1, 1, 0, 1)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="more bad events than requests"):
        Table(*counts)
