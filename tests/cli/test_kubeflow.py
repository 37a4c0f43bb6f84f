"""Compiled pipelines on the command line: checked, and run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.integration

SOUND = {
    "schemaVersion": "2.1.0",
    "sdkVersion": "test",
    "pipelineInfo": {"name": "small"},
    "defaultPipelineRoot": "gs://bucket/root",
    "root": {
        "inputDefinitions": {
            "parameters": {
                "code": {"parameterType": "NUMBER_INTEGER", "defaultValue": 0},
                "text": {"parameterType": "STRING", "defaultValue": "/srv/models"},
            }
        },
        "dag": {
            "tasks": {
                "end": {
                    "componentRef": {"name": "end"},
                    "taskInfo": {"name": "end"},
                    "inputs": {"parameters": {key: {"componentInputParameter": key} for key in ("code", "text")}},
                }
            }
        },
    },
    "components": {
        "end": {
            "executorLabel": "end",
            "inputDefinitions": {
                "parameters": {"code": {"parameterType": "NUMBER_INTEGER"}, "text": {"parameterType": "STRING"}}
            },
        }
    },
    "deploymentSpec": {
        "executors": {
            "end": {
                "container": {
                    "image": "image",
                    "command": [
                        "python",
                        "-c",
                        "import os, sys; print(sys.argv[2], os.environ['WORD']); sys.exit(int(sys.argv[1]))",
                    ],
                    "args": ["{{$.inputs.parameters['code']}}", "{{$.inputs.parameters['text']}}"],
                }
            }
        }
    },
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for name in ("bucket", "srv"):
        (tmp_path / name).mkdir()
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(SOUND))
    return path


@pytest.fixture
def options(tmp_path: Path) -> list[object]:
    return ["--mount", f"gs://bucket={tmp_path}/bucket", "--mount", f"/srv={tmp_path}/srv", "--env", "WORD=hello"]


def test_a_run_tells_each_task_and_where_everything_is(run, file, options, tmp_path):
    result = run("kubeflow", "run", file, *options)
    assert result.exit_code == 0, result.output
    assert "end …" in result.output
    assert "succeeded" in result.output
    assert f"artifacts and logs: {tmp_path}/bucket/root/small/" in result.output


def test_with_json_the_result_is_one_document(run_json, file, options, tmp_path):
    told = run_json("kubeflow", "run", file, *options, "--parameter", "text=5", "--root", tmp_path / "root")
    assert told["succeeded"]
    task = told["tasks"]["end"]
    assert task["executor_input"]["inputs"]["parameterValues"] == {"code": 0, "text": "5"}
    assert Path(task["log"]).read_text() == "5 hello\n"
    assert Path(task["log"]).is_relative_to(tmp_path / "root")


def test_a_task_that_failed_is_exit_code_one_with_its_logs_last_line(run, file, options, tmp_path):
    result = run("kubeflow", "run", file, *options, "--parameter", "code=3")
    assert result.exit_code == 1
    assert f"end: {tmp_path}/srv/models hello (all of it: " in result.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--parameter", "code"], "--parameter 'code' has no '='"),
        (["--parameter", "code=zero"], "code: it is a string; give it a number"),
        (["--parameter", "none=1"], "none: the pipeline has no such parameter"),
        (["--mount", "/data=/no/such/folder"], "/no/such/folder is no folder on this machine"),
        (["--root", "s3://other"], "'s3://other' is not on this machine"),
        (["--fork", "no_such_module_at_all"], "The modules to preload (no_such_module_at_all) cannot be imported"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_two(run, file, options, given, said):
    result = run("kubeflow", "run", file, *options, *given)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_lint_names_what_a_cluster_would_not_take(run, run_json, file, tmp_path):
    result = run("kubeflow", "lint", file)
    assert (result.exit_code, result.output) == (0, f"{file}: open-source Kubeflow Pipelines takes it as it is\n")
    broken = tmp_path / "broken.yaml"
    executors = {"end": {"resolver": {}}}
    broken.write_text(yaml.safe_dump({**SOUND, "schemaVersion": "2.0.0", "deploymentSpec": {"executors": executors}}))
    result = run("kubeflow", "lint", broken)
    assert result.exit_code == 2
    assert "schemaVersion: it is '2.0.0'" in result.output
    assert "end: it is a Resolver" in result.output
    told = json.loads(run("kubeflow", "lint", broken, "--json").stdout)
    assert {finding["rule"] for finding in told} >= {"schema-version", "resolver"}
    assert run_json("kubeflow", "lint", file) == []


def test_a_file_that_is_none_is_told_in_one_sentence(run, tmp_path):
    result = run("kubeflow", "lint", tmp_path / "none.yaml")
    assert result.exit_code == 4
    assert "There is no compiled pipeline none.yaml" in result.stderr
