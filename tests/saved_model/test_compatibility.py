"""Clients of the live version must be able to talk to the candidate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.saved_model import Signature, TensorSpec, compare
from tfx_rollout.saved_model.compatibility import _within

FLOATS = TensorSpec("x:0", "float32", (None,))
SCORES = TensorSpec("y:0", "float32", (None, 1))


def signature(inputs: dict[str, TensorSpec], outputs: dict[str, TensorSpec], **more: str) -> dict[str, Signature]:
    return {"serving_default": Signature("serving_default", inputs=inputs, outputs=outputs, **more)}


LIVE = signature({"miles": FLOATS}, {"tip": SCORES})


def test_a_model_is_compatible_with_itself_without_a_word():
    assert compare(LIVE, LIVE).compatible
    assert compare(LIVE, LIVE).notes == ()


@pytest.mark.parametrize(
    ("candidate", "word"),
    [
        ({}, "signature serving_default is gone"),
        (signature({}, {"tip": SCORES}), "input miles is gone"),
        (signature({"miles": FLOATS, "fare": FLOATS}, {"tip": SCORES}), "input fare is new"),
        (signature({"miles": TensorSpec("x:0", "int64", (None,))}, {"tip": SCORES}), "input miles was float32 and is int64"),
        (signature({"miles": TensorSpec("x:0", "float32", (8,))}, {"tip": SCORES}), "accepts only float32 [8]"),
        (signature({"miles": TensorSpec("x:0", "float32", (None, 1))}, {"tip": SCORES}), "accepts only float32 [?, 1]"),
        (signature({"miles": FLOATS}, {"tips": SCORES}), "output tip is gone"),
        (signature({"miles": FLOATS}, {"tip": TensorSpec("y:0", "float64", (None, 1))}), "output tip was float32 and is float64"),
        (signature({"miles": FLOATS}, {"tip": TensorSpec("y:0", "float32", (None, None))}), "may now be float32 [?, ?]"),
        (signature({"miles": FLOATS}, {"tip": TensorSpec("y:0", "float32", None)}), "may now be float32 any shape"),
        (signature({"miles": FLOATS}, {"tip": SCORES, "why": SCORES}), "from a bare value into an object"),
        (signature({"miles": FLOATS}, {"tip": SCORES}, method="tensorflow/serving/regress"), "its method was"),
    ],
)
def test_a_change_that_breaks_a_client_is_one_sentence(candidate: dict[str, Signature], word: str):
    faults = compare(LIVE, candidate).faults
    assert [fault for fault in faults if word in fault], faults


def test_wider_inputs_narrower_outputs_and_new_signatures_break_nobody():
    candidate = {
        **signature({"miles": TensorSpec("x:0", "float32", None)}, {"tip": TensorSpec("y:0", "float32", (4, 1))}),
        "more": Signature("more"),
    }
    result = compare(LIVE, candidate)
    assert result.compatible
    assert result.notes == ("signature more is new",)


shapes = st.none() | st.lists(st.none() | st.integers(0, 3), max_size=3).map(tuple)


@given(shapes, shapes, st.lists(st.integers(0, 3), max_size=3).map(tuple))
def test_within_says_exactly_that_every_tensor_of_one_shape_has_the_other(narrow, wide, tensor):
    def has(shape):
        return TensorSpec("", "float32", shape).admits(tensor)

    if _within(narrow, wide) and has(narrow):
        assert has(wide)
    assert _within(narrow, narrow)
