from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.analysis import EFFECTS, GOOD_ODDS_RATIOS, answers, good, in_order, uneven, worse
from tfx_rollout.analysis.fisher import log_ratios_of_multiples


@pytest.mark.parametrize("tolerance", [1.0, 1.25])
def test_bets_against_the_canary_are_likelihood_ratios_at_multiples_of_the_tolerance(tolerance):
    table = [3, 20, 4, 200]
    (bets,) = answers(worse([table], tolerance))
    np.testing.assert_allclose(bets[0], log_ratios_of_multiples(table, EFFECTS, tolerance), rtol=1e-13)


def test_each_table_may_have_a_tolerance_of_its_own():
    tables = np.array([[3, 20, 4, 200], [3, 20, 4, 200], [1, 9, 0, 4]])
    (bets,) = answers(worse(tables, [1.0, 1.25, 1.5]))
    assert bets.shape == (3, len(EFFECTS))
    for table, tolerance, row in zip(tables, (1.0, 1.25, 1.5), bets, strict=True):
        (alone,) = answers(worse([table], tolerance))
        assert alone.tobytes() == row.tobytes()


def test_bets_for_the_canary_are_likelihood_ratios_against_the_bad_odds_ratio():
    tables = [[3, 50, 9, 50], [0, 20, 4, 300]]
    (bets,) = answers(good(tables, np.array([3.0, 10.0])))
    for table, bad, row in zip(tables, (3.0, 10.0), bets, strict=True):
        np.testing.assert_allclose(row, log_ratios_of_multiples(table, GOOD_ODDS_RATIOS / bad, bad), rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_one_call_for_all_tables_gives_the_bets_of_one_call_for_each_kind(seed, runs):
    rng = np.random.default_rng(seed)

    def tables(count, most):
        sizes = rng.integers(0, most, (runs, count, 2))
        bad = rng.binomial(sizes, rng.uniform(0, 0.6))
        return np.stack([bad[..., 0], sizes[..., 0], bad[..., 1], sizes[..., 1]], axis=-1)

    compared, gated, missing = tables(5, 300), tables(3, 40), tables(2, 900)
    tolerance, margin = np.array([1.0, 1.25, 1.5, 1.5, 2.0]), rng.uniform(0.6, 10, (runs, 3))
    against, passing, coverage = answers(worse(compared, tolerance), good(gated, margin), uneven(missing))
    assert against.tobytes() == log_ratios_of_multiples(compared, EFFECTS, tolerance).tobytes()
    below = margin[..., None] > GOOD_ODDS_RATIOS
    for run, place in np.ndindex(margin.shape):
        bets, bad = below[run, place], margin[run, place]
        expected = log_ratios_of_multiples(gated[run, place], GOOD_ODDS_RATIOS / bad, bad)
        np.testing.assert_allclose(passing[run, place, bets], expected[bets], rtol=1e-11, atol=1e-11)
        assert not passing[run, place, ~bets].any()
    (alone,) = answers(good(gated, margin))
    assert passing.tobytes() == alone.tobytes()
    both = np.concatenate([missing, missing[..., [2, 3, 0, 1]]], axis=1)
    assert coverage.tobytes() == log_ratios_of_multiples(both, EFFECTS, 1.0).tobytes()


def test_rows_of_zeros_change_no_bit_of_a_sum_and_no_rows_sum_to_zero():
    bets = np.random.default_rng(1).normal(size=(2, 5, 4))
    padded = np.concatenate([bets, np.zeros((2, 3, 4))], axis=1)
    assert in_order(padded).tobytes() == in_order(bets).tobytes()
    assert in_order(bets[:, :0]).tolist() == [[0.0] * 4] * 2
