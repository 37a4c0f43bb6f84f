"""How a pipeline has ended, in the words of each backend."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.kfp.components.final_status import succeeded


@pytest.mark.parametrize("state", ["SUCCEEDED", "COMPLETE", "CACHED"])
def test_each_word_for_a_success_is_known(state):
    assert succeeded(json.dumps({"state": state, "pipelineTaskName": "exit-handler-1", "error": {}}))


@pytest.mark.parametrize("state", ["FAILED", "CANCELED", "CANCELLED", "RUNNING", "UNKNOWN", ""])
def test_every_other_word_is_no_success(state):
    assert not succeeded(json.dumps({"state": state}))


@pytest.mark.parametrize("text", ["", "SUCCEEDED", "[]", "{}"])
def test_what_is_no_status_is_refused(text):
    with pytest.raises(InvalidInput, match="is none of a pipeline"):
        succeeded(text)
