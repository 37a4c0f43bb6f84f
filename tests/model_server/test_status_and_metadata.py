import grpc
import pytest

from tfx_rollout.serving.grpc_stubs import grpc_api

pytestmark = pytest.mark.integration


def status_request(model: str, **choice):
    request = grpc_api().get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = model
    if "version" in choice:
        request.model_spec.version.value = choice["version"]
    if "label" in choice:
        request.model_spec.version_label = choice["label"]
    return request


def metadata_request(model: str, *fields: str, label: str = ""):
    request = grpc_api().get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = model
    if label:
        request.model_spec.version_label = label
    return request


def refusal(call, request) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(request)
    return caught.value.code(), caught.value.details()


def test_status_lists_versions_highest_first_and_ignores_labels(server):
    for request in (status_request("affine"), status_request("affine", label="no such label")):
        entries = server.model.GetModelStatus(request).model_version_status
        assert [(e.version, e.state, e.status.error_code) for e in entries] == [(2, 30, 0), (1, 30, 0)]
    (entry,) = server.model.GetModelStatus(status_request("affine", version=1)).model_version_status
    assert entry.version == 1


def test_status_of_what_is_not_there_is_not_found(server):
    not_found = grpc.StatusCode.NOT_FOUND
    call = server.model.GetModelStatus
    assert refusal(call, status_request("nobody")) == (not_found, "Could not find any versions of model nobody")
    assert refusal(call, status_request("affine", version=7)) == (not_found, "Could not find version 7 of model affine")
    assert server.http.get("/v1/models/nobody").json() == {"error": "Could not find any versions of model nobody"}


def test_status_over_rest_prints_defaults_and_versions_as_strings(server):
    status = {"error_code": "OK", "error_message": ""}
    assert server.http.get("/v1/models/affine/versions/1").json() == {
        "model_version_status": [{"version": "1", "state": "AVAILABLE", "status": status}]
    }


def test_metadata_tells_the_version_behind_a_label_and_its_signatures(server):
    answer = server.prediction.GetModelMetadata(metadata_request("affine", "signature_def", label="stable"))
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("affine", 1)
    signatures = grpc_api().get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert signatures.signature_def["serving_default"].inputs["x"].dtype == 1
    assert {"fixed_shape", "checked", "spin"} <= set(signatures.signature_def)


def test_metadata_is_refused_without_a_field_or_with_a_wrong_one(server):
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    call = server.prediction.GetModelMetadata
    assert refusal(call, metadata_request("affine")) == (
        invalid,
        "GetModelMetadataRequest must specify at least one metadata_field",
    )
    assert refusal(call, metadata_request("affine", "x")) == (invalid, "Metadata field x is not supported")
    code, text = refusal(call, metadata_request("affine", "signature_def", label="x"))
    assert (code, text) == (invalid, "Unrecognized servable version label: x")


def test_metadata_over_rest_keeps_proto_names_and_defaults(server):
    document = server.http.get("/v1/models/columns/metadata").json()
    assert document["model_spec"] == {"name": "columns", "signature_name": "", "version": "1"}
    signature = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["defaults"] == {}
    assert signature["inputs"]["company"] == {
        "name": "serving_default_company:0",
        "dtype": "DT_STRING",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
    }


def test_a_label_without_its_version_is_told_by_metadata(server):
    answer = server.http.get("/v1/models/affine/labels/gone/metadata")
    assert (answer.status_code, answer.json()) == (404, {"error": "Servable not found for request: Specific(affine, 9)"})
