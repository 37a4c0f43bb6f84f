import grpc
import numpy as np
import pytest

from tfx_rollout.serving.grpc_stubs import grpc_api

pytestmark = pytest.mark.integration

TYPES = {
    **{"float32": 1.5, "float64": -2.5, "float16": 0.5, "bool": True, "int8": -8, "int16": -16, "int32": -32, "int64": -(2**40)},
    **{"uint8": 200, "uint16": 60000, "uint32": 2**31, "uint64": 2**63, "complex64": 1 + 2j, "complex128": 3 - 4j},
}
NUMBERS = {
    **{"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "string": 7, "complex64": 8, "int64": 9},
    **{"bool": 10, "bfloat16": 14, "uint16": 17, "complex128": 18, "float16": 19, "uint32": 22, "uint64": 23},
}


def refusal(server, request) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        server.prediction.Predict(request, timeout=20)
    return caught.value.code(), caught.value.details()


def test_versions_and_labels_choose_who_answers(server, wire):
    x = wire.float32(1, 2)

    def answered(**choice):
        answer = server.prediction.Predict(wire.predict_request("affine", x=x, **choice))
        return answer.model_spec.version.value, list(answer.outputs["y"].float_val)

    assert answered(version=1) == answered(label="stable") == (1, [1.5, 2.0])
    assert answered(label="canary") == (2, [2.5, 3.0])
    assert answered() == (2, [2.5, 3.0])


def test_the_answer_names_model_signature_and_numeric_version_but_no_label(server, wire):
    spec = server.prediction.Predict(wire.predict_request("affine", label="stable", x=wire.float32(1))).model_spec
    assert (spec.name, spec.signature_name, spec.version.value) == ("affine", "serving_default", 1)
    assert spec.WhichOneof("version_choice") == "version"


@pytest.mark.parametrize("model", ["columns", "main_op", "legacy"])
def test_tables_find_their_assets_whichever_way_the_model_names_its_init_op(server, wire, model):
    request = wire.predict_request(model, company=[b"Green", b"Nobody"], miles=wire.float32(2, 3), trips=np.array([1, 2]))
    outputs = server.prediction.Predict(request).outputs
    assert list(outputs["index"].int64_val) == [101, 199]
    assert list(outputs["score"].float_val) == [40.0, 0.0]
    assert list(outputs["label"].string_val) == [b"Green", b"Nobody"]


def test_a_keras_export_answers(server, wire):
    request = wire.predict_request("keras", keras_tensor=np.array([[1, 2], [3, 4]], np.float32))
    assert list(server.prediction.Predict(request).outputs["output_0"].float_val) == [3.0, 7.0]


def test_a_signatures_default_stands_in_for_a_missing_input(server, wire):
    assert list(server.prediction.Predict(wire.predict_request("defaults")).outputs["y"].float_val) == [5.0, 6.0]


def test_every_type_goes_through_and_comes_back_in_its_typed_field(server, wire):
    """Inputs as typed fields with one value for a shape of two: the value is repeated, as TensorFlow does."""
    api = grpc_api()
    request = api.predict_pb2.PredictRequest()
    request.model_spec.name = "types"
    field = {"float16": "half_val", "bfloat16": "half_val", "float32": "float_val", "float64": "double_val", "bool": "bool_val"}
    field |= {"string": "string_val", "complex64": "scomplex_val", "complex128": "dcomplex_val", "int64": "int64_val"}
    field |= {"uint32": "uint32_val", "uint64": "uint64_val"}
    field |= dict.fromkeys(("int8", "int16", "int32", "uint8", "uint16"), "int_val")
    raw = {name: [value] for name, value in TYPES.items()}
    raw["string"] = [b"\xff"]
    raw["float16"] = [int(np.float16(0.5).view(np.uint16))]
    raw["bfloat16"] = [0x3F80]
    raw["complex64"], raw["complex128"] = [1.0, 2.0], [3.0, -4.0]
    for name, values in raw.items():
        proto = request.inputs[name]
        proto.dtype = NUMBERS[name]
        proto.tensor_shape.dim.add(size=2)
        getattr(proto, field[name]).extend(values)
    outputs = server.prediction.Predict(request).outputs
    assert set(outputs) == set(raw)
    for name, values in raw.items():
        answer = outputs[name]
        assert answer.dtype == NUMBERS[name]
        assert answer.tensor_content == b""
        assert [d.size for d in answer.tensor_shape.dim] == [2]
        assert list(getattr(answer, field[name])) == values * 2, name


def test_tensor_content_is_read_too(server, wire):
    request = wire.predict_request("affine", x=np.array([], np.float32))
    assert server.prediction.Predict(request).outputs["y"].tensor_shape.dim[0].size == 0
    assert request.inputs["x"].tensor_content == b""
    request = wire.predict_request("affine", version=1, x=wire.float32(1, 3))
    assert request.inputs["x"].tensor_content
    assert list(server.prediction.Predict(request).outputs["y"].float_val) == [1.5, 2.5]


def test_a_feed_may_contradict_the_placeholders_static_shape(server, wire):
    request = wire.predict_request("affine", "fixed_shape", version=1, x=wire.float32(1, 2, 3))
    assert list(server.prediction.Predict(request).outputs["y"].float_val) == [1.5, 2.0, 2.5]


def test_an_output_filter_limits_the_answer(server, wire):
    request = wire.predict_request("affine", "checked", x=wire.float32(4))
    assert set(server.prediction.Predict(request).outputs) == {"y", "twice"}
    request.output_filter.append("twice")
    assert set(server.prediction.Predict(request).outputs) == {"twice"}


def test_an_ops_error_reaches_the_client_with_its_code(server, wire):
    code, details = refusal(server, wire.predict_request("affine", "checked", x=wire.float32(-1)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "x must not be negative" in details


def test_refusals_have_tensorflow_servings_codes_and_texts(server, wire):
    one = wire.float32(1)
    bad_tensor = wire.predict_request("affine", x=one)
    bad_tensor.inputs["x"].tensor_shape.dim[0].size = 5
    nameless = wire.predict_request("", x=one)
    filtered = wire.predict_request("affine", x=one)
    filtered.output_filter.append("z")
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    cases = {
        "no spec": (grpc_api().predict_pb2.PredictRequest(), invalid, "Missing ModelSpec"),
        "no name": (nameless, invalid, "ModelSpec has no name specified."),
        "unknown model": (
            wire.predict_request("nobody", x=one),
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Latest(nobody)",
        ),
        "unknown version": (
            wire.predict_request("affine", version=7, x=one),
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Specific(affine, 7)",
        ),
        "unknown label": (
            wire.predict_request("affine", label="x", x=one),
            invalid,
            "Unrecognized servable version label: x",
        ),
        "label of an absent version": (
            wire.predict_request("affine", label="gone", x=one),
            grpc.StatusCode.NOT_FOUND,
            "Servable not found for request: Specific(affine, 9)",
        ),
        "unknown signature": (
            wire.predict_request("affine", "s", x=one),
            grpc.StatusCode.FAILED_PRECONDITION,
            'Serving signature key "s" not found.',
        ),
        "wrong input": (
            wire.predict_request("affine", z=one),
            invalid,
            "Signature input alias: x(feed name: serving_default_x:0) not found in request and no default value provided. "
            "Inputs expected to be in the request {z}, or default input alias set: ",
        ),
        "bad tensor": (bad_tensor, invalid, "tensor parsing error: x"),
        "wrong filter": (
            filtered,
            invalid,
            "output tensor alias not found in signature: z Outputs expected to be in the set {y}.",
        ),
    }
    for case, (request, code, details) in cases.items():
        assert refusal(server, request) == (code, details), case


def test_a_wrong_dtype_is_an_invalid_argument_in_the_runtimes_words(server, wire):
    code, details = refusal(server, wire.predict_request("affine", x=np.array([1, 2])))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "int64" in details


def test_a_request_beyond_grpcs_default_size_is_taken(server, wire):
    x = np.arange(2_000_000, dtype=np.float32)
    answer = server.prediction.Predict(wire.predict_request("affine", version=1, x=x), timeout=30)
    assert len(answer.outputs["y"].float_val) == len(x)


@pytest.mark.parametrize("method", ["Classify", "Regress", "MultiInference"])
def test_other_methods_say_that_they_are_not_served(server, method):
    call = server.channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert caught.value.details() == f"This model server does not serve {method}; use Predict."


def test_a_request_of_many_runs_does_not_hold_up_others(server, wire):
    """A slow signature runs on the pool, so a fast request overtakes it."""
    slow = server.prediction.Predict.future(wire.predict_request("affine", "spin", steps=np.int32(30_000)))
    for _ in range(20):
        server.prediction.Predict(wire.predict_request("affine", x=wire.float32(1)))
    assert not slow.done()
    slow.result(60)
