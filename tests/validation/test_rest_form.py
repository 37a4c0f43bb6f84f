"""JSON to and from tensors, in TensorFlow Serving's two forms."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.saved_model import Signature, TensorSpec
from tfx_rollout.validation.requests import Request
from tfx_rollout.validation.rest_form import UnexpectedForm, body, outputs, row_form

TEXT = TensorSpec("t:0", "string", (None,))
FLOAT = TensorSpec("f:0", "float32", (None, 1))
ROWS = Signature("rows", inputs={"company": TEXT, "miles": FLOAT}, outputs={"tip": FLOAT, "word": TEXT})
ONE = Signature("one", inputs={"company": TEXT}, outputs={"tip": FLOAT})
COLUMNS = Signature("columns", inputs={"k": TensorSpec("k:0", "int32", ())}, outputs={"n": TensorSpec("n:0", "int64", ())})


def strings(*values: bytes) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def test_batched_signatures_are_asked_row_by_row():
    request = Request(1, "rows", {"company": strings(b"Blue"), "miles": np.array([[1.5]], np.float32)})
    assert body(request, ROWS) == {"signature_name": "rows", "instances": [{"company": "Blue", "miles": [1.5]}]}
    assert not row_form(COLUMNS)
    assert body(Request(1, "columns", {"k": np.array(3, np.int32)}), COLUMNS)["inputs"] == {"k": 3}


def test_several_outputs_come_as_objects_and_one_as_bare_values():
    several = outputs({"predictions": [{"tip": [0.5], "word": "yes"}]}, ROWS)
    assert several["tip"].dtype == np.float32
    assert several["tip"].tolist() == [[0.5]]
    assert several["word"].tolist() == [b"yes"]
    assert outputs({"predictions": [[0.5]]}, ONE)["tip"].tolist() == [[0.5]]
    assert outputs({"outputs": 7}, COLUMNS)["n"].shape == ()


def test_bytes_that_are_no_text_travel_as_base64():
    request = Request(1, "one", {"company": strings(b"\xff\x00")})
    assert body(request, ONE)["instances"] == [{"company": {"b64": base64.b64encode(b"\xff\x00").decode()}}]
    answer = {"predictions": [{"tip": [0.5], "word": {"b64": base64.b64encode(b"\xff").decode()}}]}
    assert outputs(answer, ROWS)["word"].tolist() == [b"\xff"]


def test_numbers_that_are_not_finite_are_read_as_such():
    assert np.isnan(outputs(json.loads('{"predictions": [[NaN]]}'), ONE)["tip"]).all()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"error": "no"}, "no 'predictions'"),
        ({"predictions": [["word"]]}, "which is no float32"),
        ({"predictions": [[0.5], [0.5, 0.5]]}, "no rectangular array"),
        ({"predictions": [[True]]}, "which is no float32"),
    ],
)
def test_an_answer_of_another_form_says_what_is_wrong(answer, why):
    with pytest.raises(UnexpectedForm, match=why):
        outputs(answer, ONE)


def test_an_integer_output_takes_no_fraction():
    with pytest.raises(UnexpectedForm, match="no int64"):
        outputs({"outputs": 0.5}, COLUMNS)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=4))
def test_any_bytes_survive_the_way_through_json(values: list[bytes]):
    request = Request(1, "one", {"company": strings(*values)})
    sent = json.loads(json.dumps(body(request, ONE)))["instances"]
    back = [v["company"]["b64"] if isinstance(v["company"], dict) else v["company"] for v in sent]
    decoded = [base64.b64decode(b) if isinstance(v["company"], dict) else b.encode() for v, b in zip(sent, back, strict=True)]
    assert decoded == values
