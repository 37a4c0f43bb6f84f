from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nchypergeom_fisher

from tfx_rollout.analysis import fisher

ODDS = (0.5, 1.0, 1.5, 3.0, 37.5)
BILLION = 1_000_000_000


@st.composite
def tables(draw, most: int = 400) -> list[int]:
    canary, stable = draw(st.integers(0, most)), draw(st.integers(0, most))
    return [draw(st.integers(0, canary)), canary, draw(st.integers(0, stable)), stable]


def support(canary: int, stable: int, bad: int) -> np.ndarray:
    """All tables with these totals, `(n, 4)`."""
    x = np.arange(max(0, bad - stable), min(canary, bad) + 1)
    return np.stack([x, np.full_like(x, canary), bad - x, np.full_like(x, stable)], axis=-1)


def shares(rows: np.ndarray, psi: float) -> np.ndarray:
    """Their probabilities at an odds ratio, from the oracle."""
    canary, stable, bad = rows[0, 1], rows[0, 3], rows[0, 0] + rows[0, 2]
    return nchypergeom_fisher.pmf(rows[:, 0], canary + stable, canary, bad, psi)


def exact(table: list[int], psi: Fraction, reference: Fraction) -> Fraction:
    x, canary, y, stable = table
    weights = {j: math.comb(canary, j) * math.comb(stable, x + y - j) for j in support(canary, stable, x + y)[:, 0].tolist()}

    def share(odds: Fraction) -> Fraction:
        return weights[x] / sum(w * odds ** (j - x) for j, w in weights.items())

    return share(psi) / share(reference)


def log_ratios(table: object, odds_ratios: object, reference: float) -> np.ndarray:
    """The log-likelihood ratios at these odds ratios, which the kernel takes as multiples of the reference."""
    return fisher.log_ratios_of_multiples(table, np.asarray(odds_ratios) / reference, reference)


@given(tables())
def test_ratios_are_those_of_the_noncentral_hypergeometric_distribution(table):
    found = np.exp(log_ratios(table, ODDS, 1.25))
    if table[1] + table[3] == 0:
        assert found.tolist() == [1.0] * len(ODDS)
        return
    args = (table[1] + table[3], table[1], table[0] + table[2])
    reference = nchypergeom_fisher.pmf(table[0], *args, 1.25)
    if reference > 1e-12:
        expected = np.array([nchypergeom_fisher.pmf(table[0], *args, psi) for psi in ODDS]) / reference
    else:  # the oracle loses digits out there, fractions do not
        expected = np.array([float(exact(table, Fraction(psi), Fraction(5, 4))) for psi in ODDS])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-200)


@pytest.mark.parametrize(("canary", "stable", "bad"), [(5, 495, 50), (300, 300, 90), (250, 4000, 700), (3000, 2000, 4600)])
def test_ratios_are_right_in_both_tails_and_at_the_ends(canary, stable, bad):
    rows = support(canary, stable, bad)
    with np.errstate(all="ignore"):
        reference = shares(rows, 1.25)
        expected = {psi: shares(rows, psi) / reference for psi in (0.8, 1.5, 4.0)}
    sound = reference > 1e-200
    found = np.exp(log_ratios(rows, list(expected), 1.25))
    for column, ratio in enumerate(expected.values()):
        np.testing.assert_allclose(found[sound, column], ratio[sound], rtol=1e-9, atol=1e-200)
    assert np.isfinite(log_ratios(rows, ODDS, 1.25)).all()


def test_ratios_are_exact_fractions_on_every_small_table():
    small = [[x, c, y, b] for c, b in product(range(5), range(6)) for x, y in product(range(c + 1), range(b + 1))]
    found = np.exp(log_ratios(small, [0.5, 3.0], 1.25))
    wanted = (Fraction(1, 2), Fraction(3))
    expected = [[float(exact(table, psi, Fraction(5, 4))) for psi in wanted] for table in small]
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("sides", [(1, 1), (3, 97), (20, 20), (7, 60), (200, 50)])
@pytest.mark.parametrize("share_of_bad", [0.02, 0.2, 0.6])
def test_the_mean_ratio_is_at_most_one_wherever_the_null_holds_and_one_at_its_edge(sides, share_of_bad):
    canary, stable = sides
    rows = support(canary, stable, max(1, round(share_of_bad * (canary + stable))))
    above = np.exp(log_ratios(rows, [1.5, 3.0, 40.0], 1.25))
    below = np.exp(log_ratios(rows, [0.5, 1.1], 1.25))
    for true in (0.1, 0.7, 1.0, 1.2, 1.25):
        means = (shares(rows, true)[:, None] * above).sum(axis=0)
        assert (means <= 1 + 1e-9).all()
    for true in (1.25, 1.5, 4.0, 40.0):
        means = (shares(rows, true)[:, None] * below).sum(axis=0)
        assert (means <= 1 + 1e-9).all()
    np.testing.assert_allclose((shares(rows, 1.25)[:, None] * above).sum(axis=0), 1, rtol=1e-9)
    np.testing.assert_allclose((shares(rows, 1.25)[:, None] * below).sum(axis=0), 1, rtol=1e-9)


@pytest.mark.parametrize(
    "table",
    [
        [12, 10_000_000, 140, 990_000_000],
        [0, 10, 37, BILLION],
        [25, BILLION, 0, 3],
        [BILLION - 3, BILLION, 5, 20],
        [60, 500_000_000, 60, 500_000_000],
    ],
)
def test_counts_of_a_billion_lose_no_digits_where_few_are_bad(table):
    found = log_ratios(table, [0.5, 3.0], 1.25)
    expected = [exact(table, psi, Fraction(5, 4)) for psi in (Fraction(1, 2), Fraction(3))]
    logs = [math.log(ratio.numerator) - math.log(ratio.denominator) for ratio in expected]
    np.testing.assert_allclose(found, logs, rtol=1e-9, atol=1e-9)


def decimal_log_sum(table: list[int], psi: float) -> Decimal:
    """`log(sum_j w_j psi^j / (w_x psi^x))` term by term with 40 digits, out to where terms are below 1e-30 of the sum."""
    x, canary, y, stable = table
    total, odds = Decimal(1), Decimal(psi)
    for direction in (1, -1):
        j, term = x, Decimal(1)
        while 0 <= j + direction <= min(canary, x + y):
            if direction == 1:
                term *= Decimal((canary - j) * (x + y - j)) * odds / Decimal((j + 1) * (stable - x - y + j + 1))
            else:
                term *= Decimal(j * (stable - x - y + j)) / (odds * Decimal((canary - j + 1) * (x + y - j + 1)))
            j += direction
            total += term
            if term < total * Decimal("1e-30"):
                break
    return total.ln()


@pytest.mark.parametrize(
    ("table", "odds", "tolerance"),
    [
        ([2_060, 100_000, 2_000, 100_000], [0.9, 1.25], 1.02),
        ([2_000_000, BILLION, 1_996_000, BILLION], [0.999, 1.004], 1.001),
        ([400_000, 10_000_000, 39_600_000, 990_000_000], [0.99, 1.02], 1.005),
    ],
)
def test_counts_of_a_billion_lose_no_digits_where_many_are_bad(table, odds, tolerance):
    with localcontext() as context:
        context.prec = 40
        base = decimal_log_sum(table, tolerance)
        expected = [float(base - decimal_log_sum(table, psi)) for psi in odds]
    np.testing.assert_allclose(log_ratios(table, odds, tolerance), expected, rtol=1e-9, atol=1e-9)


HUGE = [
    [250_000_000, 500_000_000, 200_000_000, 500_000_000],
    [BILLION, BILLION, 1, BILLION],
    [0, BILLION, BILLION // 2, BILLION],
    [5, 10, 100_000_000, BILLION],
    [999_999_990, BILLION, 999_999_000, BILLION],
]


@pytest.mark.parametrize("table", HUGE)
def test_ratios_add_up_over_the_references_at_any_count(table):
    """From a to c is from a to b and from b to c, though each has sums of its own."""
    direct = log_ratios(table, [3.0], 1.1)
    by_way = log_ratios(table, [2.0], 1.1) + log_ratios(table, [3.0], 2.0)
    np.testing.assert_allclose(direct, by_way, rtol=1e-12, atol=1e-9)
    assert np.isfinite(log_ratios(table, ODDS, 1.25)).all()


@pytest.mark.parametrize("scale", [40, 100_000_000])
def test_the_most_bad_events_speak_the_more_for_an_odds_ratio_the_larger_it_is(scale):
    odds = [0.2, 0.5, 1.0, 2.0, 8.0, 100.0]
    all_on_canary = log_ratios([scale, 2 * scale, 0, 3 * scale], odds, 1.0)
    none_on_canary = log_ratios([0, 2 * scale, scale, 3 * scale], odds, 1.0)
    assert (np.diff(all_on_canary) > 0).all()
    assert (np.diff(none_on_canary) < 0).all()


@given(tables())
def test_swapping_the_tracks_inverts_the_odds(table):
    one_way = log_ratios(table, [3.0, 0.5], 1.25)
    other_way = log_ratios([*table[2:], *table[:2]], [1 / 3.0, 2.0], 0.8)
    np.testing.assert_allclose(one_way, other_way, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("table", [[0, 0, 0, 0], [0, 50, 0, 100], [50, 50, 100, 100], [0, 0, 7, 100], [5, 9, 0, 0]])
def test_a_table_without_information_says_exactly_nothing(table):
    assert log_ratios(table, ODDS, 1.25).tolist() == [0.0] * len(ODDS)
    assert log_ratios([table, [3, 10, 1, 20]], ODDS, 1.25)[0].tolist() == [0.0] * len(ODDS)


@given(st.lists(tables(90), min_size=1, max_size=8))
def test_one_pass_for_all_odds_ratios_and_one_for_each_agree(batch):
    narrow = log_ratios(batch, ODDS, 1.25)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fisher, "NARROW", 0)
        wide = log_ratios(batch, ODDS, 1.25)
    np.testing.assert_allclose(narrow, wide, rtol=1e-10, atol=1e-11)


@given(tables(95), st.sampled_from([1e-100, 1e-30, 1e30, 1e100]))
def test_odds_ratios_far_apart_do_not_overflow(table, extreme):
    assert np.isfinite(log_ratios(table, [extreme, 2.0], 1.0)).all()


any_table = st.one_of(tables(12), tables(), tables(20_000))


@given(st.lists(any_table, min_size=1, max_size=12), st.data())
def test_an_elements_bits_do_not_depend_on_the_batch(batch, data):
    tolerances = data.draw(st.lists(st.sampled_from([1.0, 1.11, 1.25, 1.5]), min_size=len(batch), max_size=len(batch)))
    together = fisher.log_ratios_of_multiples(batch, [1.25, 1.6, 3.0, 12.0], tolerances)
    for table, tolerance, row in zip(batch, tolerances, together, strict=True):
        alone = fisher.log_ratios_of_multiples(table, [1.25, 1.6, 3.0, 12.0], tolerance)
        assert alone.tobytes() == row.tobytes()
    order = data.draw(st.permutations(range(len(batch))))
    shuffled = fisher.log_ratios_of_multiples([batch[i] for i in order], [1.25, 1.6, 3.0, 12.0], [tolerances[i] for i in order])
    assert shuffled.tobytes() == together[list(order)].tobytes()


def test_bits_depend_neither_on_layout_nor_on_the_number_of_tables():
    rng = np.random.default_rng(5)
    n = rng.integers(1, 600, (700, 5, 2))
    x = rng.binomial(n, rng.choice([0.01, 0.1, 0.5], (700, 5, 1)))
    batch = np.stack([x[..., 0], n[..., 0], x[..., 1], n[..., 1]], axis=-1)
    odds = rng.uniform(0.3, 9, (700, 5, 3))
    together = log_ratios(batch, odds, 1.25)
    for size in (1, 2, 3, 7, 16, 65, 300):
        some = rng.choice(700, size, replace=False)
        assert log_ratios(batch[some], odds[some], 1.25).tobytes() == together[some].tobytes()
    turned = np.asfortranarray(batch)
    assert log_ratios(turned[::3], odds[::3], 1.25).tobytes() == together[::3].tobytes()
