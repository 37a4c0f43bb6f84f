from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.analysis import comparison_bets, coverage_bets, passage_bets
from tfx_rollout.rollout.judge import guards
from tfx_rollout.rollout.judge.bets import answers, good, in_order, worse


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
    against, passing, coverage = answers(worse(compared, tolerance), good(gated, margin), guards.question(missing))
    assert against.tobytes() == comparison_bets(compared, tolerance).tobytes()
    assert np.allclose(passing, passage_bets(gated, margin), rtol=1e-11, atol=1e-11)
    assert np.array_equal(np.stack(np.split(coverage, 2, axis=1), axis=2), coverage_bets(missing))


def test_rows_of_zeros_change_no_bit_of_a_sum_and_no_rows_sum_to_zero():
    bets = np.random.default_rng(1).normal(size=(2, 5, 4))
    padded = np.concatenate([bets, np.zeros((2, 3, 4))], axis=1)
    assert in_order(padded).tobytes() == in_order(bets).tobytes()
    assert in_order(bets[:, :0]).tolist() == [[0.0] * 4] * 2
