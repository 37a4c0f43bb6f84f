"""The candidate is judged in a server of its own, and the blessing is one that TFX's own components understand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfx_rollout.errors import InvalidInput, InvalidPlan, ServingFault

pytestmark = pytest.mark.integration

ESTIMATOR = "pusher/model_push/1584391735"
"""A model of TensorFlow 1, with an op that TensorFlow has dropped since 2.16."""


@pytest.fixture
def judged(bench, serving):
    from tfx.types import standard_artifacts as standard

    from tfx_rollout.tfx.infra_validator import Executor

    def judged(model, **inputs):
        parameters = {key: inputs.pop(key) for key in ("requests", "limits") if key in inputs}
        blessing = bench.artifact(standard.InfraBlessing)
        bench.run(Executor, {"model": model, **inputs}, {"blessing": blessing}, serving=serving, **parameters)
        return blessing

    return judged


@pytest.fixture
def examples(bench):
    from tfx.types import standard_artifacts as standard

    artifact = bench.artifact(standard.Examples, uri=bench.testdata / "penguin" / "data")
    artifact.split_names = '["train", "eval"]'
    return artifact


def test_a_real_model_is_blessed_after_two_hundred_distinct_requests(bench, judged, examples):
    from tfx.components.pusher import executor as stock

    model = bench.model()
    blessing = judged(model, examples=examples, baseline=bench.model(), requests='{"split": "train"}')
    assert blessing.get_string_custom_property("reason").startswith("234 distinct requests (234 over gRPC and 234 over REST)")
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_string_custom_property("digest") == bench.base.publish(Path(model.uri) / "Format-Serving").digest
    files = {path.name for path in Path(blessing.uri).iterdir()}
    assert {"INFRA_BLESSED", "report.json", "server-1.log"} <= files
    report = json.loads((Path(blessing.uri) / "report.json").read_text())
    assert report["requests"]["distinct"] == {"serving_default": 234}
    assert report["compatibility"]["compatible"]
    assert stock.Executor().CheckBlessing({"infra_blessing": [blessing]})


def test_examples_that_give_too_few_requests_are_not_enough(bench, judged, examples):
    blessing = judged(bench.model(), examples=examples)
    assert blessing.get_int_custom_property("blessed") == 0
    assert "only 100 distinct requests" in blessing.get_string_custom_property("reason"), "the split eval has a hundred"


def test_a_model_with_an_op_that_the_server_lacks_is_not_blessed(bench, judged):
    blessing = judged(bench.model(ESTIMATOR))
    assert blessing.get_int_custom_property("blessed") == 0
    assert "BoostedTreesBucketize" in blessing.get_string_custom_property("reason")


def test_a_model_that_does_not_load_is_not_blessed_and_the_run_succeeds(bench, judged):
    def damage(path: Path) -> None:
        next((path / "variables").glob("*.index")).write_bytes(b"")

    blessing = judged(bench.model(edit=damage))
    assert blessing.has_custom_property("blessed")
    assert blessing.get_int_custom_property("blessed") == 0
    assert "it cannot be served" in blessing.get_string_custom_property("reason")
    assert (Path(blessing.uri) / "INFRA_NOT_BLESSED").is_file()


def test_a_model_that_breaks_clients_of_the_live_one_is_not_blessed(bench, judged):
    blessing = judged(bench.model(), baseline=bench.model(ESTIMATOR))
    assert "signature classification is gone" in blessing.get_string_custom_property("reason")
    assert "signature predict is gone" in (Path(blessing.uri) / "report.json").read_text()


def test_a_stand_in_of_live_model_is_no_baseline(bench, judged):
    baseline = bench.model(ESTIMATOR)
    baseline.set_int_custom_property("live", 0)
    assert judged(bench.model(), baseline=baseline).get_int_custom_property("blessed") == 1


def test_no_server_at_all_fails_the_run_and_blesses_nothing(bench, judged, monkeypatch):
    monkeypatch.setenv("TFX_ROLLOUT_MODEL_SERVER", "/there/is/no/model_server")
    with pytest.raises(ServingFault, match="so the candidate could not be judged"):
        judged(bench.model())


def test_a_split_that_is_not_there_is_named(bench, judged, examples):
    with pytest.raises(InvalidInput, match="have no split test; they have: train, eval"):
        judged(bench.model(), examples=examples, requests='{"split": "test"}')


def test_faulty_parameters_are_refused_when_the_pipeline_is_written():
    from tfx import types
    from tfx.types import standard_artifacts as standard

    from tfx_rollout.tfx.infra_validator import InfraValidator

    channel = types.Channel(type=standard.Model)
    with pytest.raises(InvalidPlan, match="requests is not valid: minimum"):
        InfraValidator(channel, serving={"root": "/srv", "model": "taxi"}, requests={"minimum": 0})
    with pytest.raises(InvalidInput, match="cannot be a model's name"):
        InfraValidator(channel, serving={"root": "/srv", "model": "../taxi"})
