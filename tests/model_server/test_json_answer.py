import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tfx_rollout.model_server.json_answer import write_answer
from tfx_rollout.model_server.status import ServingError


def strings(*values: bytes) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def test_row_form_with_one_output_is_a_list_in_rapidjsons_layout():
    body = write_answer({"y": np.array([2.5, 3.0, 4.5], np.float32)}, row_form=True)
    assert body == b'{\n    "predictions": [2.5, 3.0, 4.5\n    ]\n}'


def test_row_form_with_several_outputs_is_a_list_of_objects():
    outputs = {"label": strings(b"a", b"\xc3\xa9"), "score": np.array([[0.5, 1.0], [0.25, 0.0]], np.float32)}
    assert json.loads(write_answer(outputs, row_form=True)) == {
        "predictions": [{"label": "a", "score": [0.5, 1.0]}, {"label": "é", "score": [0.25, 0.0]}]
    }
    assert b'\n            "score": [0.5, 1.0]\n        },\n' in write_answer(outputs, row_form=True)


def test_columnar_form_has_one_value_a_line():
    assert (
        write_answer({"y": np.array([1, 2], np.int64)}, row_form=False) == b'{\n    "outputs": [\n        1,\n        2\n    ]\n}'
    )
    assert json.loads(write_answer({"a": np.array(True), "b": np.zeros((0, 2), np.int32)}, row_form=False)) == {
        "outputs": {"a": True, "b": []}
    }


def test_strings_whose_alias_ends_in_bytes_are_base64():
    assert json.loads(write_answer({"x_bytes": strings(b"\xff\x00")}, row_form=True)) == {"predictions": [{"b64": "/wA="}]}


def test_other_strings_go_out_as_they_are_even_when_they_are_no_utf8():
    assert b'"\xff"' in write_answer({"x": strings(b"\xff")}, row_form=True)


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({"y": np.array(1.0)}, "Tensor name: y has no shape information "),
        ({"a": np.zeros(2), "b": np.zeros(1)}, "Tensor name: b has inconsistent batch size: 1 expecting: 2"),
        ({"y": np.zeros(1, np.complex64)}, "Failed to write JSON value for tensor type: complex64"),
        ({}, "Cannot convert empty tensor map to JSON"),
    ],
)
def test_outputs_that_rows_cannot_carry_are_refused(outputs, text):
    with pytest.raises(ServingError) as caught:
        write_answer(outputs, row_form=True)
    assert caught.value.message == text


_arrays = hnp.arrays(
    st.sampled_from([np.int32, np.uint64, np.bool_, np.float64]), hnp.array_shapes(min_dims=1, max_side=4, min_side=0)
)


@given(_arrays)
def test_what_is_written_reads_back_in_both_forms(array):
    array = np.nan_to_num(array) if array.dtype.kind == "f" else array
    assert json.loads(write_answer({"y": array}, row_form=False)) == {"outputs": array.tolist()}
    assert json.loads(write_answer({"y": array}, row_form=True)) == {"predictions": array.tolist()}
    both = json.loads(write_answer({"a": array, "b": array}, row_form=True))
    assert both == {"predictions": [{"a": v, "b": v} for v in array.tolist()]}
