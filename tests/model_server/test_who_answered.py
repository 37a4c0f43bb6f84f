"""Every answer of a version names it, over both protocols; nothing else does."""

from __future__ import annotations

import grpc
import pytest

from tfx_rollout.serving.grpc_stubs import grpc_api

pytestmark = pytest.mark.integration


def by_grpc(call, request):
    """Status, and what the metadata before and after the answer say of the version."""
    running = call.future(request, timeout=30)
    said = [dict(part or ()).get("x-model-version") for part in (running.initial_metadata(), running.trailing_metadata())]
    return running.code(), said


def test_a_prediction_names_the_version_that_computed_it(server, wire):
    for choice, version in (({"version": 1}, "1"), ({"label": "canary"}, "2"), ({}, "2")):
        request = wire.predict_request("affine", x=wire.float32(1), **choice)
        assert by_grpc(server.prediction.Predict, request) == (grpc.StatusCode.OK, [None, version])
    for path, version in (("affine/versions/1", "1"), ("affine/labels/canary", "2"), ("affine", "2")):
        answer = server.http.post(f"/v1/models/{path}:predict", json={"instances": [1]})
        assert (answer.status_code, answer.headers["x-model-version"]) == (200, version)
        assert len(answer.headers.get_list("x-model-version")) == 1


def test_an_error_of_a_version_names_it_too(server, wire):
    request = wire.predict_request("affine", version=1, no_such_input=wire.float32(1))
    assert by_grpc(server.prediction.Predict, request) == (grpc.StatusCode.INVALID_ARGUMENT, [None, "1"])
    answer = server.http.post("/v1/models/affine/labels/stable:predict", json={"instances": ["no number"]})
    assert (answer.status_code, answer.headers["x-model-version"]) == (400, "1")


def test_metadata_names_its_version(server):
    request = grpc_api().get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name, request.model_spec.version_label = "affine", "stable"
    assert by_grpc(server.prediction.GetModelMetadata, request) == (grpc.StatusCode.OK, [None, "1"])
    assert server.http.get("/v1/models/affine/labels/stable/metadata").headers["x-model-version"] == "1"


def test_where_no_version_answers_none_is_named(server, wire):
    status = grpc_api().get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "affine"
    assert by_grpc(server.model.GetModelStatus, status) == (grpc.StatusCode.OK, [None, None])
    for choice in ({"version": 77}, {"label": "no-such-label"}):
        code, said = by_grpc(server.prediction.Predict, wire.predict_request("affine", x=wire.float32(1), **choice))
        assert (code is grpc.StatusCode.OK, said) == (False, [None, None])
    for path in ("affine", "affine/versions/1", "nobody"):
        assert "x-model-version" not in server.http.get(f"/v1/models/{path}").headers
    for path in ("nobody:predict", "affine/versions/77:predict", "affine/labels/none:predict"):
        assert "x-model-version" not in server.http.post(f"/v1/models/{path}", json={"instances": [1]}).headers


def test_what_a_client_says_of_a_version_is_not_repeated(server):
    answer = server.http.post("/v1/models/affine/versions/1:predict", json={"instances": [1]}, headers={"x-model-version": "9"})
    assert answer.headers.get_list("x-model-version") == ["1"]
