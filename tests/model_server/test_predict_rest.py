import gzip
import json

import httpx
import pytest

pytestmark = pytest.mark.integration


def refusal(server, method: str, path: str, **content) -> tuple[int, str]:
    answer = server.http.request(method, path, **content)
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["error"]


def test_rows_in_rows_out_by_version_and_label(server):
    assert server.rest_predict("affine/versions/1", [1, 2]) == [1.5, 2.0]
    assert server.rest_predict("affine/labels/canary", [1, 2]) == [2.5, 3.0]
    assert server.rest_predict("affine", [1, 2]) == [2.5, 3.0]


def test_named_columns_in_both_forms(server):
    instances = [{"company": "Blue", "miles": 1.5, "trips": 0}, {"company": {"b64": "R3JlZW4="}, "miles": 1, "trips": 1}]
    rows = server.rest_predict("columns", instances)
    assert rows[0] == {"index": 0, "score": 15.0, "label": "Blue", "label_bytes": {"b64": "Qmx1ZQ=="}}
    assert rows[1] == {"index": 101, "score": 20.0, "label": "Green", "label_bytes": {"b64": "R3JlZW4="}}
    columns = {"inputs": {"company": ["Blue", "x"], "miles": [1.5, 1], "trips": [0, 0]}}
    answer = server.http.post("/v1/models/columns:predict", json=columns).json()["outputs"]
    assert answer["score"] == [15.0, 0.0]
    assert answer["index"] == [0, -1]


def test_floats_are_written_as_tensorflow_serving_writes_them(server):
    body = server.http.post("/v1/models/affine/versions/1:predict", json={"instances": [0, 0.2, 1e9]}).content
    assert body == b'{\n    "predictions": [1.0, 1.1, 5e+08\n    ]\n}'


def test_another_signature_is_named_in_the_body(server):
    body = {"signature_name": "checked", "instances": [4.0]}
    assert server.http.post("/v1/models/affine:predict", json=body).json() == {"predictions": [{"twice": 8.0, "y": 2.0}]}


def test_a_compressed_body_is_read(server):
    body = gzip.compress(json.dumps({"instances": [2]}).encode())
    answer = server.http.post("/v1/models/affine/versions/1:predict", content=body, headers={"content-encoding": "gzip"})
    assert answer.json() == {"predictions": [2.0]}
    assert refusal(server, "POST", "/v1/models/affine:predict", content=b"no", headers={"content-encoding": "gzip"})[0] == 400


def test_refusals_have_tensorflow_servings_codes_and_texts(server):
    predict = "/v1/models/affine:predict"
    assert refusal(server, "POST", "/v1/models/nobody:predict", json={"instances": [1]}) == (
        404,
        "Servable not found for request: Latest(nobody)",
    )
    assert refusal(server, "POST", "/v1/models/affine/labels/x:predict", json={"instances": [1]}) == (
        400,
        "Unrecognized servable version label: x",
    )
    assert refusal(server, "POST", predict, json={"signature_name": "s", "instances": [1]}) == (
        400,
        'Serving signature name: "s" not found in signature def',
    )
    assert refusal(server, "POST", predict, content=b"") == (400, "JSON Parse error: The document is empty")
    assert refusal(server, "POST", predict, json={"instances": ["a"]}) == (
        400,
        "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
        'JSON Value: "a" Type: String is not of expected type: float',
    )
    code, text = refusal(server, "POST", predict, json={"signature_name": "checked", "instances": [-1.0]})
    assert code == 400
    assert "x must not be negative" in text
    assert refusal(server, "GET", "/v1/anything") == (400, "Malformed request: GET /v1/anything")
    assert refusal(server, "POST", "/v1/models/affine:classify", json={"examples": [{}]})[0] == 501


def test_outputs_without_a_batch_need_the_columnar_form(server):
    body = {"signature_name": "spin", "inputs": 1}
    assert server.http.post("/v1/models/affine/versions/1:predict", json=body).json()["outputs"]["offset"] == 1.0


def test_paths_outside_the_api_are_a_plain_404(server):
    answer = server.http.get("/")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html"


def test_cross_origin_headers_are_sent_when_asked_for(server):
    headers = {"origin": "https://example.org"}
    for answer in (server.http.options("/v1/models/affine", headers=headers), server.http.get("/v1/models/affine")):
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "*"
    assert refusal(server, "OPTIONS", "/v1/models/affine") == (400, "Origin header is missing in CORS preflight")


def test_one_connection_carries_many_requests(server):
    with httpx.Client(base_url=server.http.base_url, trust_env=False) as client:
        ports = set()
        for _ in range(5):
            with client.stream("GET", "/v1/models/affine") as answer:
                ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
                answer.read()
    assert len(ports) == 1
