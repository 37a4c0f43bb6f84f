import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.model_server.json_numbers import format_floats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.2, "0.2"),
        (2.0, "2.0"),
        (0.1 + 1e-10, "0.1"),
        (1 / 3, "0.333333343"),
        (9e6, "9e+06"),
        (3e-5, "3e-05"),
        (-0.0, "-0.0"),
        (123456.0, "123456.0"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_float32_is_written_short_where_that_is_the_same_number(value, text):
    assert format_floats(np.array([value], np.float32)) == [text]


def test_float64_needs_up_to_seventeen_digits():
    assert format_floats(np.array([1 / 3, 0.1, 1e300])) == ["0.33333333333333331", "0.1", "1e+300"]


@given(st.lists(st.floats(width=32)))
def test_every_float32_can_be_read_back(values):
    array = np.array(values, np.float32)
    read = np.array([float(t.replace("Infinity", "inf")) for t in format_floats(array)], np.float32)
    np.testing.assert_array_equal(read, array)


@given(st.lists(st.floats()))
def test_every_float64_can_be_read_back(values):
    array = np.array(values)
    read = np.array([float(t.replace("Infinity", "inf")) for t in format_floats(array)], np.float64)
    np.testing.assert_array_equal(read, array)
