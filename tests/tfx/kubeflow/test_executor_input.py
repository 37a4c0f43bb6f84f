"""What KFP hands over is made readable for TFX: types restored from the task's own specification, KFP's log left out."""

from __future__ import annotations

import copy
import json

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.tfx.kubeflow.executor_input import parse_json, restore_types, uris, without_logs

MODEL = {"instanceSchema": "title: tfx.Model\ntype: object\n"}
SPEC = {"artifacts": {"model": {"artifactType": MODEL}}, "parameters": {"n": {"parameterType": "NUMBER_INTEGER"}}}


def handed_over(kind: object) -> dict:
    artifact = {"name": "42", "uri": "gs://b/Trainer/1/model", "metadata": {"n": 3.0, "display_name": "model"}}
    if kind is not None:
        artifact["type"] = kind
    return {
        "inputs": {"artifacts": {"model": {"artifacts": [artifact]}}, "parameterValues": {"n": 5.0}},
        "outputs": {
            "artifacts": {
                "report": {"artifacts": [{"name": "report", "uri": "gs://b/r", "type": {"instanceSchema": "title: a.B"}}]},
                "executor-logs": {"artifacts": [{"uri": "gs://b/logs", "type": {"schemaTitle": "system.Artifact"}}]},
            },
            "outputFile": "/gcs/b/output_metadata.json",
        },
    }


@pytest.mark.parametrize("kind", [None, {}, {"instanceSchema": ""}, {"schemaTitle": ""}])
def test_an_input_without_a_type_gets_the_one_that_the_task_declares(kind: object):
    given = handed_over(kind)
    before = copy.deepcopy(given)
    restored = restore_types(given, SPEC)
    assert restored["inputs"]["artifacts"]["model"]["artifacts"][0]["type"] == MODEL
    assert given == before, "what is given is not changed"


@pytest.mark.parametrize("kind", [{"instanceSchema": "title: my_package.Model"}, {"schemaTitle": "tfx.Model"}])
def test_a_type_that_is_there_stays(kind: dict):
    assert restore_types(handed_over(kind), SPEC) == handed_over(kind)


def test_an_input_that_nobody_declares_is_told():
    with pytest.raises(InvalidInput, match="'model' has no type"):
        restore_types(handed_over({}), {})


def test_kfps_own_output_for_the_log_is_left_out_and_the_others_stay():
    left = without_logs(handed_over(MODEL))
    assert list(left["outputs"]["artifacts"]) == ["report"]
    assert without_logs({"inputs": {}}) == {"inputs": {}}


def test_every_uri_is_told_with_what_it_is():
    found = dict(uris(without_logs(handed_over({}))))
    assert found == {"input model": "gs://b/Trainer/1/model", "output report": "gs://b/r"}


@pytest.mark.parametrize("text", ["", "{{$}}", "[1]", json.dumps("x")])
def test_a_flag_without_its_json_is_told(text: str):
    with pytest.raises(InvalidInput, match="--flag"):
        parse_json(text, "--flag")
