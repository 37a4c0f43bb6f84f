from __future__ import annotations

import json

import pytest

from tfx_rollout.replay.predicted import grpc_prediction, rest_prediction
from tfx_rollout.serving import grpc_api


def rest(row):
    return rest_prediction(json.dumps({"predictions": [row]}).encode())


def grpc(**outputs):
    response = grpc_api().predict_pb2.PredictResponse()
    for name, (dtype, field, values) in outputs.items():
        response.outputs[name].dtype = dtype
        getattr(response.outputs[name], field).extend(values)
    return grpc_prediction(response)


def test_class_scores_are_the_index_of_the_largest():
    assert rest([0.1, 0.7, 0.2]) == grpc(y=(1, "float_val", [0.1, 0.7, 0.2])) == "1"
    # JSON writes a round score as TensorFlow Serving does, here as an integer.
    assert rest([0, 0.25, 1]) == "2"


def test_a_single_score_is_itself():
    assert rest(0.75) == rest([0.75]) == grpc(y=(1, "float_val", [0.75])) == 0.75


def test_a_class_is_its_name_or_number():
    assert rest("yes") == grpc(y=(7, "string_val", [b"yes"])) == "yes"
    assert rest(3) == grpc(y=(9, "int64_val", [3])) == "3"
    assert grpc(y=(10, "bool_val", [True])) == "1"


def test_of_several_outputs_a_usual_one_is_the_prediction():
    assert rest({"embedding": [0.5, 0.25], "scores": [0.1, 0.9]}) == "1"
    assert rest({"a": 0.5, "b": 0.25}) is None
    assert grpc(a=(1, "float_val", [0.5]), predictions=(9, "int64_val", [4])) == "4"


def test_classes_beside_scores_are_the_one_of_the_largest():
    assert rest({"classes": ["no", "yes"], "scores": [0.1, 0.9]}) == "yes"
    assert grpc(classes=(7, "string_val", [b"no", b"yes"]), scores=(1, "float_val", [0.8, 0.2])) == "no"


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"predictions": []}', b'{"outputs": [1.0]}', b'{"predictions": 3}'])
def test_an_answer_of_another_form_tells_nothing(body):
    assert rest_prediction(body) is None


def test_an_answer_of_higher_rank_tells_nothing():
    assert rest([[0.1, 0.9], [0.2, 0.8]]) is None
    assert rest(["a", "b"]) is None
    assert grpc() is None
