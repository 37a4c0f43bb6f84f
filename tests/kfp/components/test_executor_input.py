"""Which artifacts a task was given, and where its launcher put them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.kfp.components.executor_input import input_artifacts


def given(**artifact: object) -> str:
    return json.dumps({"inputs": {"artifacts": {"examples": {"artifacts": [{"name": "7", **artifact}]}}}})


@pytest.mark.parametrize(
    ("artifact", "path"),
    [
        ({"uri": "gs://bucket/run/examples"}, "/gcs/bucket/run/examples"),
        ({"uri": "s3://bucket/run/examples"}, "/s3/bucket/run/examples"),
        ({"uri": "minio://mlpipeline/v2/examples"}, "/minio/mlpipeline/v2/examples"),
        ({"uri": "/tmp/run/examples"}, "/tmp/run/examples"),
        ({"uri": "gs://bucket/x", "customPath": "/data/x"}, "/data/x"),
        ({"uri": "gs://bucket/x", "metadata": {"_kfp_workspace": True}}, "/kfp-workspace/.artifacts/gcs/bucket/x"),
    ],
)
def test_an_artifact_lies_where_the_launcher_put_it(artifact, path):
    assert input_artifacts(given(**artifact))["examples"].path == Path(path)


def test_what_is_written_on_an_artifact_is_there_too():
    assert input_artifacts(given(uri="/x", metadata={"accuracy": 0.9}))["examples"].metadata == {"accuracy": 0.9}


@pytest.mark.parametrize("text", [None, "{}", '{"inputs": {}}', '{"inputs": {"artifacts": {"examples": {"artifacts": []}}}}'])
def test_what_was_not_given_is_not_there(text):
    assert input_artifacts(text) == {}


@pytest.mark.parametrize("text", ["", "{{$}}", "[]", '{"inputs": 3}', given(name="without a place")])
def test_what_is_no_executor_input_is_refused(text):
    with pytest.raises(InvalidInput, match="The executor input cannot be read"):
        input_artifacts(text)
