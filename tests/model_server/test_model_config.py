import pytest

from tfx_rollout.model_server.model_config import ModelConfig, ServerConfig, check, single_model
from tfx_rollout.model_server.status import Code, ServingError


def refusal(new: ServerConfig, current: ServerConfig | None = None) -> ServingError:
    with pytest.raises(ServingError) as caught:
        check(new, current)
    return caught.value


def test_a_single_model_from_the_flags_is_acceptable():
    (model,) = check(single_model("taxi", "/models/taxi"), None)
    assert (model.name, model.base_path) == ("taxi", "/models/taxi")


def test_a_model_may_be_listed_only_once():
    models = (ModelConfig("m", "/a"), ModelConfig("m", "/b"))
    assert refusal(ServerConfig(models)).message == "Illegal to list model m multiple times in config list"


def test_a_base_path_is_absolute_or_a_uri():
    check(ServerConfig((ModelConfig("m", "gs://bucket/m"),)), None)
    error = refusal(ServerConfig((ModelConfig("m", "models/m"),)))
    assert error.code is Code.INVALID_ARGUMENT
    assert error.message == "Expected model m to have an absolute path or URI; got base_path()=models/m"


def test_a_platform_is_needed_known_and_constant():
    assert "neither" in refusal(ServerConfig((ModelConfig("m", "/m", platform=None),))).message
    assert refusal(ServerConfig((ModelConfig("m", "/m", platform="onnx"),))).message == (
        "Model m requests unsupported platform onnx"
    )
    current = ServerConfig((ModelConfig("m", "/m"),))
    assert (
        "Illegal to change a model's platform" in refusal(ServerConfig((ModelConfig("m", "/m", platform="x"),)), current).message
    )


def test_an_empty_list_is_a_configuration_and_a_missing_one_is_none_of_the_kind():
    current = ServerConfig((ModelConfig("m", "/m"),))
    assert check(ServerConfig(()), current) == ()
    assert check(ServerConfig(None), None) == ()
    assert refusal(ServerConfig(None), current).code is Code.FAILED_PRECONDITION
