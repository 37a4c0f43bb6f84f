from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.analysis import combine, e_value, log_weighted_mean

logs = st.one_of(st.floats(-2000, 2000), st.just(-math.inf), st.just(0.0))


def test_means_are_taken_without_overflow():
    assert log_weighted_mean([2000.0, 0.0], [0.5, 0.5]) == pytest.approx(2000 - math.log(2))
    assert log_weighted_mean([-math.inf, 0.0], [0.5, 0.5]) == pytest.approx(-math.log(2))
    assert log_weighted_mean([-math.inf, -math.inf], [0.5, 0.5]) == -math.inf
    assert math.isfinite(e_value(1e6))


def test_what_has_no_weight_does_not_count_even_where_it_is_infinite():
    assert log_weighted_mean([5.0, 900.0], [1.0, 0.0]) == 5.0
    assert log_weighted_mean([5.0, math.inf], [1.0, 0.0]) == 5.0


@pytest.mark.parametrize("size", [1, 3, 7, 10, 28])
def test_equal_components_have_exactly_their_own_mean(size):
    assert log_weighted_mean(np.zeros(size), np.full(size, 1 / size)) == 0
    assert log_weighted_mean(np.full(size, 3.25), np.full(size, 1 / size)) == 3.25


@given(st.lists(st.floats(-20, 20), min_size=4, max_size=4))
def test_the_mean_is_that_of_the_e_values(values):
    weights = np.array([0.4, 0.3, 0.2, 0.1])
    expected = math.log(float(np.dot(weights, np.exp(values))))
    assert float(log_weighted_mean(values, weights)) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.lists(logs, min_size=3, max_size=3), min_size=1, max_size=20), st.integers(1, 7))
def test_a_rows_bits_do_not_depend_on_the_batch(rows, cells):
    weights = [0.2, 0.5, 0.3]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(combine, "CELLS", 3 * cells)
        together = log_weighted_mean(rows, weights)
    assert log_weighted_mean(rows, weights).tobytes() == together.tobytes()
    for row, mean in zip(rows, together, strict=True):
        assert log_weighted_mean(row, weights).tobytes() == mean.tobytes()
        assert log_weighted_mean([[row]], weights).tobytes() == mean.tobytes()


def test_components_without_weight_do_not_change_the_bits():
    rng = np.random.default_rng(0)
    values, weights = rng.normal(0, 9, (50, 6)), np.array([0.3, 0.1, 0.0, 0.6, 0.0, 0.0])
    kept = weights > 0
    assert log_weighted_mean(values, weights).tobytes() == log_weighted_mean(values[:, kept], weights[kept]).tobytes()


def test_rows_may_have_weights_of_their_own():
    values, weights = np.array([[1.0, 2.0], [1.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    assert log_weighted_mean(values, weights).tolist() == [1.0, 2.0]
