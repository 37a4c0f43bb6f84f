"""Where outputs are to go, what is made for them, and how often a task may try."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfx_rollout.kfp.runner.provision import forget, make_parents, provision
from tfx_rollout.kfp.runner.retry import RetryPolicy

DEFINITIONS = {
    "artifacts": {"model": {"artifactType": {"instanceSchema": "title: tfx.Model\n"}, "metadata": {"a": 1.0}}},
    "parameters": {"p": {"parameterType": "STRING"}},
}


def test_artifacts_and_the_output_file_lie_in_the_tasks_own_folder(tmp_path: Path):
    assert provision("/root/Make/uuid", DEFINITIONS, tmp_path) == {
        "artifacts": {
            "model": {
                "artifacts": [
                    {
                        "name": "model",
                        "uri": "/root/Make/uuid/model",
                        "type": {"instanceSchema": "title: tfx.Model\n"},
                        "metadata": {"a": 1.0},
                    }
                ]
            }
        },
        "parameters": {"p": {"outputFile": f"{tmp_path}/p"}},
        "outputFile": "/root/Make/uuid/output_metadata.json",
    }
    assert provision("/r/t/u", {}, tmp_path) == {"outputFile": "/r/t/u/output_metadata.json"}


def test_folders_above_the_outputs_are_made_and_the_outputs_are_not(tmp_path: Path):
    outputs = provision(f"{tmp_path}/root/Make/uuid", DEFINITIONS, tmp_path / "parameters")
    make_parents(outputs)
    assert (tmp_path / "root/Make/uuid").is_dir()
    assert not (tmp_path / "root/Make/uuid/model").exists()
    assert list((tmp_path / "parameters").iterdir()) == []


def test_between_attempts_the_files_of_the_pod_are_gone(tmp_path: Path):
    outputs = provision(f"{tmp_path}/Make/uuid", DEFINITIONS, tmp_path / "parameters")
    make_parents(outputs)
    (tmp_path / "parameters/p").write_text("old")
    (tmp_path / "Make/uuid/output_metadata.json").write_text("{}")
    (tmp_path / "Make/uuid/model").write_text("in the bucket already")
    forget(outputs)
    assert [entry.name for entry in (tmp_path / "Make/uuid").iterdir()] == ["model"]
    assert list((tmp_path / "parameters").iterdir()) == []


@pytest.mark.parametrize(
    ("policy", "longest", "pauses"),
    [
        ({}, 5.0, []),
        ({"maxRetryCount": 2}, 5.0, [0.0, 0.0]),
        ({"maxRetryCount": 4, "backoffDuration": "3s", "backoffFactor": 2.0, "backoffMaxDuration": "10s"}, 60.0, [3, 6, 10, 10]),
        ({"maxRetryCount": 2, "backoffDuration": "30s", "backoffFactor": 2.0}, 5.0, [5, 5]),
    ],
)
def test_pauses_grow_to_the_policys_limit_and_never_above_the_runners(policy, longest, pauses):
    assert list(RetryPolicy.of({"retryPolicy": policy} if policy else {}).pauses(longest)) == pauses
