"""Placeholders are filled in as driver and launcher do, and none is left."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.placeholders import fill

INPUT = {
    "inputs": {
        "parameterValues": {"n": 7.0, "yes": True, "who": "w", "list": [1.0], "text": "hello {{$.inputs.parameters['who']}}"},
        "artifacts": {"model": {"artifacts": [{"name": "3", "uri": "/runs/model", "metadata": {"n": 3.0}}]}},
    },
    "outputs": {
        "artifacts": {"out": {"artifacts": [{"name": "out", "uri": "/runs/task/out"}]}},
        "parameters": {"p": {"outputFile": "/tmp/p"}},
        "outputFile": "/runs/task/output_metadata.json",
    },
}


@pytest.mark.parametrize(
    ("word", "filled"),
    [
        ("--n={{$.inputs.parameters['n']}}", "--n=7"),
        ("{{$.inputs.parameters['yes']}}", "true"),
        ("{{$.inputs.parameters['list']}}", "[1]"),
        ("{{$.inputs.parameters['text']}}!", "hello w!"),
        ("{{$.inputs.artifacts['model'].uri}}:{{$.inputs.artifacts['model'].path}}", "/runs/model:/runs/model"),
        ("{{$.outputs.artifacts['out'].uri}}", "/runs/task/out"),
        ("{{$.outputs.artifacts['out'].path}}", "/runs/task/out"),
        ("{{$.outputs.parameters['p'].output_file}}", "/tmp/p"),
        ("nothing to fill in {$}", "nothing to fill in {$}"),
    ],
)
def test_each_placeholder_has_its_text(word, filled):
    assert fill([word], INPUT, {}) == [filled]


def test_the_whole_input_is_json_with_defaults_and_with_numbers_as_go_writes_them():
    (word,) = fill(["{{$}}"], INPUT, {"n": 9.0, "missing": 2.0})
    whole = json.loads(word)
    assert whole["inputs"]["parameterValues"] == {
        "n": 7,
        "missing": 2,
        "yes": True,
        "who": "w",
        "list": [1],
        "text": "hello w",
    }
    assert '"n":7,' in word
    assert whole["inputs"]["artifacts"]["model"]["artifacts"][0]["metadata"] == {"n": 3}


def test_the_input_itself_is_not_changed():
    before = json.dumps(INPUT)
    fill(["{{$}}"], INPUT, {"missing": 2.0})
    assert json.dumps(INPUT) == before


def test_a_clause_chooses_by_what_was_given_and_not_by_defaults():
    clause = json.dumps({"IfPresent": {"InputName": "n", "Then": ["--n", "{{$.inputs.parameters['n']}}"], "Else": ["--none"]}})
    assert fill(["a", clause, "b"], INPUT, {}) == ["a", "--n", "7", "b"]
    absent = clause.replace('"InputName": "n"', '"InputName": "m"')
    assert fill([absent], INPUT, {"m": 1.0}) == ["--none"]
    no_else = json.dumps({"IfPresent": {"InputName": "m", "Then": "--m"}})
    assert fill(["a", no_else], INPUT, {}) == ["a"]


@pytest.mark.parametrize(
    "word",
    [
        "{{$.inputs.artifacts['model'].metadata['n']}}",
        "{{$.inputs.artifacts['model'].value}}",
        "{{$.inputs.parameters['none']}}",
        "{{$.pipeline_job_uuid}}",
    ],
)
def test_what_open_source_kubeflow_does_not_fill_in_fails_the_task(word):
    with pytest.raises(TaskFault, match="does not fill in"):
        fill([word], INPUT, {})


def test_null_and_a_broken_clause_fail_the_task():
    with pytest.raises(TaskFault, match="'p' cannot be filled in"):
        fill(["x"], {"inputs": {"parameterValues": {"p": None}}}, {})
    with pytest.raises(TaskFault, match="cannot be read"):
        fill(['{"IfPresent":nothing}'], INPUT, {})
