"""Requests are made of examples, distinct by their content."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.saved_model import Signature, TensorSpec
from tfx_rollout.validation import Unfit, make_requests
from tfx_rollout.validation.requests import tensor

EXAMPLES = Signature("serving_examples", inputs={"examples": TensorSpec("e:0", "string", (None,))})
COLUMNS = Signature(
    "serving_default",
    inputs={
        "company": TensorSpec("c:0", "string", (None,)),
        "miles": TensorSpec("m:0", "float32", (None, 1)),
        "hour": TensorSpec("h:0", "int64", None),
    },
)
ROWS = [
    {"company": [b"Blue"], "miles": [1.5], "hour": [7], "unused": [1]},
    {"company": [b"Blue"], "miles": [1.5], "hour": [7], "unused": [2]},
    {"miles": [2.5]},
]
RECORDS = [b"one", b"two", b"two"]


def test_one_string_input_that_is_no_feature_takes_whole_examples():
    requests = make_requests(EXAMPLES, RECORDS, ROWS, 10)
    assert [r.inputs["examples"].tolist() for r in requests] == [[b"one"], [b"two"]]
    assert [r.number for r in requests] == [1, 2]


def test_named_columns_take_one_feature_each_and_defaults_where_it_is_missing():
    first, second = make_requests(COLUMNS, RECORDS, ROWS, 10)
    assert {name: t.shape for name, t in first.inputs.items()} == {"company": (1,), "miles": (1, 1), "hour": (1,)}
    assert {name: t.tolist() for name, t in second.inputs.items()} == {"company": [b""], "miles": [[2.5]], "hour": [0]}
    assert second.inputs["hour"].dtype == np.int64
    assert second.number == 3, "the second row differs only in a column that the signature does not take"


def test_a_text_feature_alone_is_a_column_and_not_an_example():
    signature = Signature("s", inputs={"company": TensorSpec("c:0", "string", (None,))})
    assert [r.inputs["company"].tolist() for r in make_requests(signature, RECORDS, ROWS, 10)] == [[b"Blue"], [b""]]


def test_no_more_requests_are_made_than_the_maximum():
    assert len(make_requests(EXAMPLES, [b"%d" % n for n in range(50)], [], 7)) == 7


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        (Signature("s", inputs={"other": TensorSpec("o:0", "float32", (None,))}), "none of its inputs .other. is a feature"),
        (
            Signature("s", inputs={"miles": TensorSpec("m:0", "string", (None,))}, method="tensorflow/serving/classify"),
            "are tested",
        ),
        (Signature("s", inputs={"miles": TensorSpec("m:0", "float32", (8,))}), "batches of exactly 8"),
        (Signature("s", inputs={"miles": TensorSpec("m:0", "float32", (None, None, None))}), "2 dimensions of any size"),
        (Signature("s", inputs={"company": TensorSpec("m:0", "float32", (None,))}), "holds bytes, and the input is float32"),
        (Signature("s", inputs={"company": TensorSpec("m:0", "resource", (None,))}), "no dtype that a request can carry"),
    ],
)
def test_what_cannot_be_asked_says_why(signature: Signature, why: str):
    with pytest.raises(Unfit, match=why):
        make_requests(signature, RECORDS, ROWS, 10)


@pytest.mark.parametrize(
    ("values", "shape", "made"),
    [
        ([], (None, 3), (1, 3)),
        ([1.0, 2.0, 3.0], (None, 3), (1, 3)),
        ([1.0, 2.0], (None, None), (1, 2)),
        ([], (None, None), (1, 1)),
        ([1.0] * 6, (None, 2, None), (1, 2, 3)),
        ([4.0], (), ()),
        ([1.0, 2.0], None, (1, 2)),
    ],
)
def test_values_take_the_shape_of_the_input_with_a_batch_of_one(values, shape, made):
    array = tensor(values, TensorSpec("x:0", "float32", shape), "x")
    assert array.shape == made
    assert TensorSpec("", "float32", shape).admits(array.shape)


def test_a_feature_with_too_many_values_is_unfit():
    with pytest.raises(Unfit, match="has 2 values in an example, and the input takes 1"):
        tensor([1.0, 2.0], TensorSpec("x:0", "float32", (None,)), "x")


@given(st.lists(st.binary(max_size=3), max_size=30), st.integers(1, 40))
def test_requests_are_distinct_by_content_and_lose_none(records: list[bytes], maximum: int):
    requests = make_requests(EXAMPLES, records, [], maximum)
    sent = [r.inputs["examples"][0] for r in requests]
    assert sent == list(dict.fromkeys(records))[:maximum]
