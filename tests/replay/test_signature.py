from __future__ import annotations

import json

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.replay.signature import Signature
from tfx_rollout.serving import grpc_api


def metadata(**inputs):
    described = {
        name: {"dtype": dtype, "tensor_shape": {"unknown_rank": dims is None, "dim": [{"size": str(d)} for d in dims or ()]}}
        for name, (dtype, dims) in inputs.items()
    }
    return {"metadata": {"signature_def": {"signature_def": {"serving_default": {"inputs": described}}}}}


TRIP = metadata(company=("DT_STRING", [-1]), fare=("DT_FLOAT", [-1, 1]), hour=("DT_INT64", None))
ROW = {"company": "Größe", "fare": 3, "hour": 7, "tips": 1.0}


def test_a_row_becomes_an_instance_with_the_signatures_columns_only():
    signature = Signature.from_metadata("taxi", TRIP)
    assert signature.instance(ROW) == {"company": "Größe", "fare": [3.0], "hour": 7}
    assert json.loads(signature.rest_body(ROW))["instances"] == [signature.instance(ROW)]


def test_a_row_becomes_tensors_with_a_batch_of_one():
    api = grpc_api()
    request = api.predict_pb2.PredictRequest.FromString(Signature.from_metadata("taxi", TRIP).grpc_message(ROW, api))
    assert (request.model_spec.name, request.model_spec.signature_name) == ("taxi", "serving_default")
    shapes = {name: [d.size for d in tensor.tensor_shape.dim] for name, tensor in request.inputs.items()}
    assert shapes == {"company": [1], "fare": [1, 1], "hour": [1]}
    assert list(request.inputs["company"].string_val) == ["Größe".encode()]
    assert list(request.inputs["fare"].float_val) == [3.0]
    assert list(request.inputs["hour"].int64_val) == [7]


def test_nested_lists_keep_their_shape_and_order():
    api = grpc_api()
    signature = Signature.from_metadata("m", metadata(x=("DT_INT32", [-1, 2, 3])))
    tensor = api.predict_pb2.PredictRequest.FromString(signature.grpc_message({"x": [[1, 2, 3], [4, 5, 6]]}, api)).inputs["x"]
    assert [d.size for d in tensor.tensor_shape.dim] == [1, 2, 3]
    assert list(tensor.int_val) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({**ROW, "company": 5}, "'company' takes DT_STRING"),
        ({**ROW, "hour": 7.5}, "'hour' takes DT_INT64"),
        ({**ROW, "fare": True}, "'fare' takes DT_FLOAT"),
        ({**ROW, "fare": None}, "no value for column 'fare'"),
        ({}, "no value for column 'company'"),
    ],
)
def test_a_row_that_the_signature_cannot_take_is_refused(row, fault):
    with pytest.raises(InvalidInput, match=fault):
        Signature.from_metadata("taxi", TRIP).instance(row)


def test_a_model_that_rows_cannot_feed_is_refused():
    with pytest.raises(InvalidInput, match="serving_default"):
        Signature.from_metadata("taxi", {"metadata": {"signature_def": {"signature_def": {}}}})
    with pytest.raises(InvalidInput, match=r"x \(DT_HALF\)"):
        Signature.from_metadata("taxi", metadata(x=("DT_HALF", [-1])))
