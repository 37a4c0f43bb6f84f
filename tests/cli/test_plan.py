from __future__ import annotations

import json


def test_a_built_in_plan_is_shown_with_its_stages_and_its_error_bounds(run, run_json):
    text = run("plan", "show", "demo").stdout
    assert "Plan demo" in text
    assert "rolled back with a chance of at most 0.05 (alpha)" in text
    assert run_json("plan", "show", "demo")["name"] == "demo"
    assert run_json("plan", "show")["name"] == "default"


def test_all_faults_of_a_plan_are_said_at_once(run, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("alpha: 2\nstages: [{share: 0.5}, {share: 0.1}]\ntypo: 1\n")
    result = run("plan", "show", path)
    assert (result.exit_code, result.stdout) == (2, "")
    for field in ("alpha", "stages", "typo"):
        assert field in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_schema_of_a_plan_is_json(run):
    assert "properties" in json.loads(run("plan", "schema").stdout)


def test_an_unknown_plan_is_named_with_the_known_ones(run):
    result = run("plan", "show", "nope")
    assert result.exit_code == 4
    assert "known: default, demo" in result.stderr
