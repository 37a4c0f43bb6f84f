from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfx_rollout.model_server.prediction_values import MAX_ROWS, MAX_TEXT, prediction_output, row_values


def called(array, **others):
    return row_values({"y": array, **others}, "y")


def texts(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def test_the_wanted_output_is_the_prediction_then_the_only_one_then_a_usual_one():
    one, several = {"z": None}, {"b": None, "scores": None, "classes": None}
    assert prediction_output(several, "b") == "b"
    assert prediction_output(several, "z") is None
    assert prediction_output(one, None) == "z"
    assert prediction_output(several, None) == "classes"
    assert prediction_output({"a": None, "b": None}, None) is None


def test_class_scores_are_the_index_of_the_largest():
    assert called(np.array([[0.1, 0.7, 0.2], [0.9, 0.0, 0.1]], np.float32)) == ["1", "0"]


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 1, 1)])
def test_a_single_float_is_the_number_to_three_digits(shape):
    assert called(np.array([0.123456, 1234567.0]).reshape(shape)) == [0.123, 1230000.0]


def test_a_float_without_a_dimension_is_one_row():
    assert called(np.float32(2.5).reshape(())) == [2.5]


def test_a_float_that_is_no_number_is_a_text():
    assert called(np.array([np.nan, np.inf])) == ["nan", "inf"]


def test_texts_integers_and_booleans_are_their_text():
    assert called(np.array([3, -4])) == ["3", "-4"]
    assert called(np.array([True])) == ["True"]
    assert called(texts(b"caf\xc3\xa9", b"\xff")) == ["café", "\\xff"]


def test_classes_beside_scores_of_their_shape_are_the_one_of_the_largest():
    names = np.array([[b"no", b"yes"], [b"no", b"yes"]], object)
    scores = np.array([[0.2, 0.8], [0.6, 0.4]], np.float32)
    assert called(names, scores=scores) == ["yes", "no"]
    assert called(names) is None


def test_what_tells_no_prediction_is_none():
    assert called(np.zeros((2, 3, 4))) is None
    assert called(np.zeros((0,))) is None
    assert called(np.array([1 + 2j])) is None


def test_large_batches_and_long_texts_are_cut():
    assert len(called(np.zeros(MAX_ROWS + 1))) == MAX_ROWS
    assert called(texts(b"x" * 1000)) == ["x" * MAX_TEXT]


@given(hnp.arrays(st.sampled_from([np.float32, np.float16, np.int64, np.bool_]), hnp.array_shapes(min_dims=0, max_dims=3)))
def test_there_is_a_value_for_each_row_that_json_can_carry(array):
    values = called(array)
    if values is not None:
        assert len(values) == (array.shape[0] if array.ndim else 1)
        assert json.loads(json.dumps(values, allow_nan=False)) == values
