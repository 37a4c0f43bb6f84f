import numpy as np
import pytest

from tfx_rollout.model_server.dtypes import BY_NUMBER, dtype_of
from tfx_rollout.model_server.json_tensors import read_inputs, signature_name
from tfx_rollout.model_server.status import Code, ServingError

FLOAT, INT32, STRING, INT64, BOOL, UINT64, HALF = (dtype_of(n) for n in (1, 3, 7, 9, 10, 23, 19))


def fault(document, inputs) -> str:
    with pytest.raises(ServingError) as caught:
        read_inputs(document, inputs)
    return str(caught.value)


def test_row_form_with_one_input_takes_plain_values():
    read = read_inputs({"instances": [[1, 2.5], [3, 4]]}, {"x": FLOAT})
    assert read.row_form
    assert read.arrays["x"].dtype == np.float32
    np.testing.assert_array_equal(read.arrays["x"], [[1, 2.5], [3, 4]])


def test_row_form_with_named_inputs_batches_each_of_them():
    read = read_inputs({"instances": [{"a": 1, "s": "x"}, {"s": {"b64": "/w=="}, "a": 2}]}, {"a": INT64, "s": STRING})
    np.testing.assert_array_equal(read.arrays["a"], np.array([1, 2]))
    assert read.arrays["s"].tolist() == [b"x", b"\xff"]


def test_columnar_form_takes_a_value_for_one_input_and_an_object_for_several():
    assert read_inputs({"inputs": 7}, {"x": INT32}).arrays["x"].shape == ()
    read = read_inputs({"inputs": {"a": [1], "b": [True], "extra": 0}}, {"a": INT32, "b": BOOL})
    assert not read.row_form
    assert set(read.arrays) == {"a", "b"}


@pytest.mark.parametrize(
    "number", [n for n, t in BY_NUMBER.items() if t.name in ("int8", "int16", "uint8", "uint32", "uint64", "double")]
)
def test_every_number_type_keeps_its_dtype(number):
    dtype = dtype_of(number)
    assert read_inputs({"instances": [1, 2]}, {"x": dtype}).arrays["x"].dtype == dtype.numpy


@pytest.mark.parametrize(
    ("document", "inputs", "text"),
    [
        ({}, {"x": FLOAT}, "INVALID_ARGUMENT: Missing 'inputs' or 'instances' key"),
        ({"instances": 1}, {"x": FLOAT}, "JSON Value: {\n    \"instances\": 1\n} Expecting 'instances' to be an list/array"),
        ({"instances": []}, {"x": FLOAT}, "No values in 'instances' array"),
        ({"instances": [1], "inputs": 1}, {"x": FLOAT}, "expecting only one of 'inputs' or 'instances' keys to exist "),
        ({"instances": [1]}, {"a": FLOAT, "b": FLOAT}, "instances is a plain list, but expecting list of objects"),
        ({"inputs": [1]}, {"a": FLOAT, "b": FLOAT}, "inputs is a plain value/list, but expecting an object"),
        ({"inputs": {"a": [1]}}, {"a": FLOAT, "b": FLOAT}, "Missing named input: b in 'inputs' object."),
        ({"instances": [{"a": 1}]}, {"a": FLOAT, "b": FLOAT}, "keys must be equal to: a,b"),
        (
            {"instances": [{"a": 1, "c": 1}]},
            {"a": FLOAT, "b": FLOAT},
            "Failed to process element: 0 key: c of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: c",
        ),
        (
            {"instances": [[1, 2], [1, 2, 3]]},
            {"x": FLOAT},
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 2 but got: 3",
        ),
        ({"instances": [[[1], [2]], [[1, 2]]]}, {"x": FLOAT}, "Expecting shape [2,1] but got: [1,2]"),
        ({"instances": [{"x": 1}, 2]}, {"x": FLOAT}, "Expecting object but got list at item 1 of input list"),
        ({"instances": [1, {"x": 2}]}, {"x": FLOAT}, "Expecting value/list but got object at item 1 of input list"),
        ({"inputs": [[1], 2]}, {"x": FLOAT}, "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ({"inputs": [1, [2]]}, {"x": FLOAT}, "Encountered list at unexpected level: 1 expected < 1"),
        ({"inputs": ["x"]}, {"x": FLOAT}, 'JSON Value: "x" Type: String is not of expected type: float'),
        ({"inputs": [1.0]}, {"x": INT64}, "JSON Value: 1.0 Type: Number is not of expected type: int64"),
        ({"inputs": [2147483648]}, {"x": INT32}, "is not of expected type: int32"),
        ({"inputs": [-1]}, {"x": UINT64}, "is not of expected type: uint64"),
        ({"inputs": [1]}, {"x": BOOL}, "JSON Value: 1 Type: Number is not of expected type: bool"),
        ({"inputs": [True]}, {"x": INT32}, "JSON Value: true Type: True is not of expected type: int32"),
        ({"inputs": [None]}, {"x": STRING}, "JSON Value: null Type: Null is not of expected type: string"),
        ({"inputs": [{"b64": "*"}]}, {"x": STRING}, "Unable to base64 decode"),
        ({"inputs": [{"b64": 1}]}, {"x": STRING}, "not formatted correctly for base64 data"),
    ],
)
def test_faults_are_told_in_tensorflow_servings_words(document, inputs, text):
    assert text in fault(document, inputs)


def test_types_without_a_json_form_are_unimplemented():
    with pytest.raises(ServingError) as caught:
        read_inputs({"inputs": [1]}, {"x": HALF})
    assert caught.value.code is Code.UNIMPLEMENTED


def test_the_signature_name_is_a_string():
    assert signature_name({"signature_name": "other"}) == "other"
    assert signature_name({}) == ""
    with pytest.raises(ServingError, match="'signature_name' key must be a string value"):
        signature_name({"signature_name": 1})


def test_a_number_beyond_float32_becomes_infinite():
    assert read_inputs({"inputs": [1e300]}, {"x": FLOAT}).arrays["x"].tolist() == [float("inf")]
