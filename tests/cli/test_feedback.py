from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tfx_rollout.cli.app import app
from tfx_rollout.model_store import ModelStore

ROWS = '{"request_id": "a", "correct": true}\n{"request_id": "b", "label": 1, "prediction": 0}\n'


@pytest.fixture
def root(tmp_path, saved_model):
    root = tmp_path / "root"
    ModelStore(root).model("taxi").publish(saved_model("one"))
    return root


def test_feedback_from_a_file_is_counted_by_what_was_known(run, run_json, root, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text(ROWS)
    assert run("feedback", rows, "--root", root, "--model", "taxi").stdout == "taxi: 2 new, 0 known before\n"
    rows.write_text(ROWS + '{"request_id": "c", "correct": false}\n')
    assert run_json("feedback", rows, "--root", root, "--model", "taxi") == {"model": "taxi", "new": 1, "known": 2}


def test_feedback_comes_from_stdin_too(root):
    result = CliRunner().invoke(app, ["feedback", "-", "--root", str(root), "--model", "taxi", "--json"], input=ROWS)
    assert json.loads(result.stdout) == {"model": "taxi", "new": 2, "known": 0}


def test_faulty_rows_are_named_and_the_exit_code_says_wrong_input(run, root, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text(ROWS + "{}\nnonsense\n")
    result = run("feedback", rows, "--root", root, "--model", "taxi")
    assert result.exit_code == 2
    assert "line 3 has no request_id" in result.stderr
    assert "line 4 is not JSON" in result.stderr


def test_a_model_that_is_not_there_is_told(run, root, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text(ROWS)
    assert run("feedback", rows, "--root", root, "--model", "cab").exit_code == 4
