import pytest

from tfx_rollout.model_server.labels import label_map, version_of
from tfx_rollout.model_server.model_config import ModelConfig
from tfx_rollout.model_server.status import Code, ServingError


def labelled(**labels: int) -> list[ModelConfig]:
    return [ModelConfig("m", "/m", labels=labels)]


def apply(models, *, current=None, available=(), allow=False):
    return label_map(models, current=current or {}, available={"m": set(available)}, allow_unavailable=allow)


def test_a_label_may_name_an_available_version():
    assert apply(labelled(stable=1), available=[1]) == {"m": {"stable": 1}}


def test_a_label_on_an_unavailable_version_is_refused():
    with pytest.raises(ServingError) as caught:
        apply(labelled(stable=2), available=[1])
    assert caught.value.code is Code.FAILED_PRECONDITION
    assert caught.value.message == (
        "Request to assign label to version 2 of model m, which is not currently available for inference"
    )


def test_with_the_flag_a_new_or_unchanged_label_may_name_any_version():
    assert apply(labelled(stable=2), allow=True) == {"m": {"stable": 2}}
    assert apply(labelled(stable=2), current={"m": {"stable": 2}}, allow=True) == {"m": {"stable": 2}}


def test_with_the_flag_a_label_moves_only_to_an_available_version():
    current = {"m": {"stable": 1}}
    with pytest.raises(ServingError):
        apply(labelled(stable=2), current=current, available=[1], allow=True)
    assert apply(labelled(stable=2), current=current, available=[1, 2], allow=True) == {"m": {"stable": 2}}


def test_labels_that_are_not_repeated_vanish():
    assert apply(labelled(canary=2), current={"m": {"stable": 1}}, available=[1, 2]) == {"m": {"canary": 2}}


def test_an_unknown_label_is_an_invalid_argument_whatever_the_model():
    for model in ("m", "nobody"):
        with pytest.raises(ServingError) as caught:
            version_of({"m": {"stable": 1}}, model, "gone")
        assert str(caught.value) == "INVALID_ARGUMENT: Unrecognized servable version label: gone"
