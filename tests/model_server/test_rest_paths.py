import pytest

from tfx_rollout.model_server.rest_paths import RestCall, is_handled, parse_call
from tfx_rollout.model_server.status import ServingError


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("POST", "/v1/models/taxi:predict", RestCall("predict", "taxi", None, None)),
        ("POST", "/v1/models/taxi/versions/12:predict", RestCall("predict", "taxi", 12, None)),
        ("POST", "/V1/Models/taxi/labels/stable:classify", RestCall("classify", "taxi", None, "stable")),
        ("GET", "/v1/models/taxi", RestCall("status", "taxi", None, None)),
        ("GET", "/v1/models/a%20b/labels/x%2Fy/metadata", RestCall("metadata", "a b", None, "x/y")),
        ("GET", "/v1/models/taxi/versions/3", RestCall("status", "taxi", 3, None)),
    ],
)
def test_paths_name_model_version_label_and_action(method, path, call):
    assert parse_call(method, path) == call


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models/taxi:predict"),
        ("POST", "/v1/models/taxi"),
        ("POST", "/v1/models/taxi:PREDICT"),
        ("POST", "/v1/models/taxi/versions/canary:predict"),
        ("DELETE", "/v1/models/taxi"),
        ("GET", "/v1/models/taxi/versions/1/labels/x"),
    ],
)
def test_other_paths_are_malformed_requests(method, path):
    with pytest.raises(ServingError) as caught:
        parse_call(method, path)
    assert str(caught.value) == f"INVALID_ARGUMENT: Malformed request: {method} {path}"


def test_a_model_name_is_needed_and_a_version_fits_an_int64():
    with pytest.raises(ServingError, match=r"Missing model name in request\."):
        parse_call("GET", "/v1/models")
    with pytest.raises(ServingError, match="Failed to convert version: 99999999999999999999 to numeric"):
        parse_call("GET", "/v1/models/m/versions/99999999999999999999")


def test_only_the_v1_tree_is_answered():
    assert is_handled("/v1/nonsense")
    assert not is_handled("/")
    assert not is_handled("/v2/models/m")
