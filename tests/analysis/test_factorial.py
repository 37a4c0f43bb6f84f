from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.analysis.factorial import log_factorial_ratio


@given(st.integers(0, 300), st.integers(-300, 300))
def test_ratios_of_factorials_are_exact_once_the_linear_part_is_added(n, step):
    step = max(step, -n)
    ratio = Fraction(math.factorial(n), math.factorial(n + step)) * Fraction(n + 1) ** step
    expected = math.log(ratio.numerator) - math.log(ratio.denominator)
    found = log_factorial_ratio(np.array([float(n)]), np.array([float(step)]))[0]
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("n", [10**6, 10**9])
def test_small_steps_from_a_large_number_keep_their_digits(n):
    """The product over the step, each factor close to 1."""
    for step in (1, -1, 40, -40, 1000):
        between = range(1, step + 1) if step > 0 else range(step + 1, 1)
        logs = math.fsum(math.log1p((j - 1) / (n + 1)) for j in between)
        expected = -logs if step > 0 else logs
        found = log_factorial_ratio(np.array([float(n)]), np.array([float(step)]))[0]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-13)


def test_no_step_is_exactly_nothing():
    assert log_factorial_ratio(np.array([0.0, 7.0, 1e9]), np.zeros(3)).tolist() == [0.0, 0.0, 0.0]
