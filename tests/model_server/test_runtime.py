import json

import grpc
import numpy as np
import pytest

pytestmark = pytest.mark.integration


def test_the_full_runtime_answers_as_the_light_one_does(saved_models, server, wire):
    full = json.loads((saved_models / "full_runtime.json").read_text())
    assert full["runtime"] == "full"
    assert "Runs on the light TensorFlow runtime." in server.log.read_text()
    instances = [{"company": "Yellow", "miles": 1.25, "trips": 2}, {"company": "?", "miles": 1, "trips": 0}]
    light = server.rest_predict("columns", instances)
    assert [row["index"] for row in light] == full["index"]
    assert [row["score"] for row in light] == full["score"]
    with pytest.raises(grpc.RpcError) as caught:
        server.prediction.Predict(wire.predict_request("columns", company=np.zeros(1), miles=wire.float32(1), trips=[1]))
    assert caught.value.code().name == full["refusal"] == "INVALID_ARGUMENT"
