from __future__ import annotations

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.traffic import Cause, Label


def test_a_push_prints_the_version_and_moves_no_traffic(run, run_json, tmp_path, saved_model):
    root = tmp_path / "root"
    first = run("push", saved_model("one"), "--root", root, "--model", "taxi")
    assert first.exit_code == 0
    assert first.stdout.startswith("taxi version 1 is new (sha256:")
    again = run("push", tmp_path / "export-one", "--root", root, "--model", "taxi")
    assert again.stdout.startswith("taxi version 1 was there already, with this very content (sha256:")

    pushed = run_json("push", saved_model("two"), "--root", root, "--model", "taxi")
    assert (pushed["model"], pushed["version"], pushed["created"]) == ("taxi", 2, True)
    assert pushed["path"] == str(root / "taxi" / "2")
    assert ModelStore(root).model("taxi").desired().generation == 0


def test_versions_are_listed_with_labels_digests_and_sources(run, run_json, tmp_path, saved_model):
    root = tmp_path / "root"
    base = ModelStore(root).model("taxi")
    digests = [base.publish(saved_model(name), provenance={"run": name}).digest for name in ("one", "two")]
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    rows = run_json("versions", "--root", root, "--model", "taxi")["versions"]
    assert [(row["version"], row["labels"], row["digest"], row["provenance"]) for row in rows] == [
        (2, [], digests[1], {"run": "two"}),
        (1, ["stable"], digests[0], {"run": "one"}),
    ]
    text = run("versions", "--root", root, "--model", "taxi").stdout
    assert "stable" in text
    assert digests[0][:19] in text
    assert "\x1b" not in text


def test_the_live_version_is_printed_alone_for_scripts(run, run_json, tmp_path, saved_model):
    root = tmp_path / "root"
    base = ModelStore(root).model("taxi")
    base.publish(saved_model("one"))
    nothing = run("live", "--root", root, "--model", "taxi")
    assert (nothing.exit_code, nothing.stdout) == (4, "")
    assert nothing.stderr == "error: There is no version with the label stable in model taxi; known: 1.\n"
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    assert run("live", "--root", root, "--model", "taxi").stdout == "1\n"
    assert run_json("live", "--root", root, "--model", "taxi")["path"] == str(root / "taxi" / "1")


def test_the_status_of_an_unserved_root_says_so_and_shows_what_is_wanted(run, run_json, tmp_path, saved_model):
    root = tmp_path / "root"
    assert "There is no model yet" in run("status", "--root", root).stdout
    base = ModelStore(root).model("taxi")
    base.publish(saved_model("one"))
    state = base.desired().change(versions=(1,), labels={Label.STABLE: 1}, cause=Cause("ann", "the first release", 1.0))
    base.write_desired(state, expected=0)
    text = run("status", "--root", root, "--model", "taxi").stdout
    assert f"No supervisor serves {root}; start one: tfx-rollout serve {root}" in text
    assert "taxi · generation 1: the first release (by ann)" in text
    assert "100.00%" in text
    data = run_json("status", "--root", root)
    assert data["supervisor"] is None
    assert [(model["model"], model["labels"], model["shares"]) for model in data["models"]] == [("taxi", {"stable": 1}, {})]


@pytest.mark.parametrize("command", [("versions",), ("live",), ("status",)])
def test_an_unknown_model_is_named_with_those_that_are_there(run, tmp_path, saved_model, command):
    root = tmp_path / "root"
    ModelStore(root).model("taxi").publish(saved_model("one"))
    result = run(*command, "--root", root, "--model", "taxy")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr == f"error: There is no model taxy in the root {root}; known: taxi.\n"


def test_what_is_no_saved_model_is_refused_with_one_sentence_and_nothing_changes(run, tmp_path):
    (tmp_path / "empty").mkdir()
    result = run("push", tmp_path / "empty", "--root", tmp_path / "root", "--model", "taxi")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: The model at {tmp_path}/empty is no SavedModel")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "root").exists()


def test_a_base_path_that_is_a_file_is_refused_with_one_sentence(run, tmp_path, saved_model):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "taxi").write_text("")
    result = run("push", saved_model("one"), "--root", tmp_path / "root", "--model", "taxi")
    assert result.exit_code == 5
    assert result.stderr.startswith(f"error: {tmp_path}/root/taxi")
    assert result.stderr.count("\n") == 1
    assert [entry.name for entry in (tmp_path / "root").iterdir()] == ["taxi"]


def test_the_root_may_come_from_the_environment(run, tmp_path, saved_model, monkeypatch):
    monkeypatch.setenv("TFX_ROLLOUT_ROOT", str(tmp_path / "root"))
    assert run("push", saved_model("one"), "--model", "taxi").exit_code == 0
    assert (tmp_path / "root" / "taxi" / "1" / "saved_model.pb").exists()
