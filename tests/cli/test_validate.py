"""`tfx-rollout validate`: what needs no server here; the validation itself is tested in tests/validation."""

from __future__ import annotations

import json
import sys

import pytest


@pytest.fixture
def place(tmp_path):
    (tmp_path / "root").mkdir()
    return ("--root", tmp_path / "root", "--model", "taxi")


def test_a_folder_that_is_no_model_is_not_blessed_and_that_is_a_value(run, tmp_path, place):
    (tmp_path / "empty").mkdir()
    files = {key: tmp_path / "out" / key for key in ("blessed", "reason", "digest")}
    outputs = [option for key, file in files.items() for option in ("--output-file", f"{key}={file}")]
    report, page = tmp_path / "made" / "report.json", tmp_path / "made" / "page.html"
    done = run("validate", tmp_path / "empty", *place, "--report", report, "--html", page, *outputs)
    assert done.exit_code == 0
    assert done.stdout.startswith("not blessed: The model at ")
    assert files["blessed"].read_text() == "false"
    document = json.loads(report.read_text())
    said = {key: file.read_text() for key, file in files.items()}
    assert (document["blessed"], document["digest"], document["reason"]) == (False, said["digest"], said["reason"])
    assert "✗ not blessed" in page.read_text()
    assert f"The model at {tmp_path}/empty" in page.read_text()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--requests", '{"minimun": 3}'), "error: the parameter requests is not valid: minimun"),
        (("--limits", '{"p50_ms": -1}'), "error: the parameter limits is not valid: p50_ms"),
        (("--limits", "{"), "error: the parameter limits is not valid: document: it is no JSON"),
        (("--executor-input", "{}}"), "error: The executor input cannot be read"),
    ],
)
def test_bad_input_is_refused_with_one_sentence(run, tmp_path, place, options, sentence):
    done = run("validate", tmp_path, *place, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def test_a_document_may_lie_in_a_file(run, tmp_path, place):
    (tmp_path / "limits.json").write_text('{"p50_ms": -1}')
    assert "p50_ms" in run("validate", tmp_path, *place, "--limits", tmp_path / "limits.json").stderr
    missing = run("validate", tmp_path, *place, "--limits", tmp_path / "nope.json")
    assert missing.exit_code == 2
    assert "it is no JSON document, and no file" in missing.stderr


def test_a_root_that_is_not_there_is_refused(run, tmp_path):
    done = run("validate", tmp_path, "--root", tmp_path / "nope", "--model", "taxi")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: There is no folder {tmp_path}/nope")


def test_without_tensorflow_the_mend_is_named(run, tmp_path, place, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    done = run("validate", tmp_path, *place)
    assert done.exit_code == 2
    assert done.stderr.endswith("needs TensorFlow: pip install 'tfx-rollout[serving]'.\n")


@pytest.mark.integration
def test_a_folder_without_examples_is_refused(run, tmp_path, place):
    done = run("validate", tmp_path, *place, "--examples", tmp_path / "nope")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: There are no examples at {tmp_path}/nope")
