"""`--output-file`: values in files, whole or not at all, and refused before anything is done where they are unknown."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.traffic import Label


@pytest.fixture
def place(tmp_path):
    (tmp_path / "root").mkdir()
    return ("--root", tmp_path / "root", "--model", "taxi")


@pytest.fixture
def base(tmp_path):
    return ModelStore(tmp_path / "root").model("taxi")


def values(folder):
    return {file.name: file.read_text() for file in folder.iterdir()}


def wanted(folder, *keys):
    return [option for key in keys for option in ("--output-file", f"{key}={folder / key}")]


def test_a_push_says_its_values_as_kubeflow_reads_them(run, tmp_path, saved_model, place, base):
    out = tmp_path / "made" / "by the command"
    done = run("push", saved_model("one"), *place, *wanted(out, "pushed", "version", "digest", "path", "reason"))
    assert done.exit_code == 0
    digest = base.manifest(1).digest
    assert values(out) == {
        "pushed": "true",
        "version": "1",
        "digest": digest,
        "path": str(base.version_path(1)),
        "reason": "no blessing is connected",
    }


def test_a_model_that_the_validation_refuses_is_not_pushed_and_that_is_a_value(run, tmp_path, saved_model, place, base):
    report, model = tmp_path / "report.json", saved_model("one")
    report.write_text(json.dumps({"blessed": False, "reason": "output y holds nan", "digest": "", "checks": []}))
    out = tmp_path / "out"
    done = run("push", model, *place, "--validation", report, *wanted(out, "pushed", "version", "reason"))
    assert (done.exit_code, done.stdout) == (0, "not pushed: the infra blessing says no: output y holds nan\n")
    assert values(out) == {"pushed": "false", "version": "0", "reason": "the infra blessing says no: output y holds nan"}
    assert base.versions() == []


def test_a_validation_of_another_model_pushes_nothing(run, run_json, tmp_path, saved_model, place, base):
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"blessed": True, "reason": "", "digest": "sha256:other", "checks": []}))
    said = run_json("push", saved_model("one"), *place, "--validation", report)
    assert said["pushed"] is False
    assert "is about another model (sha256:other)" in said["reason"]
    assert base.versions() == []


def test_nothing_live_is_an_answer_where_it_is_asked_for(run, run_json, tmp_path, saved_model, place, base):
    out, keys = tmp_path / "out", ("live", "version", "path", "digest")
    nothing = run("live", *place, "--or-none", *wanted(out, *keys))
    assert (nothing.exit_code, nothing.stdout) == (0, "none\n")
    assert values(out) == {"live": "false", "version": "0", "path": "", "digest": ""}
    assert run_json("live", *place, "--or-none")["version"] is None
    base.publish(saved_model("one"))
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    assert run("live", *place, "--or-none", *wanted(out, *keys)).stdout == "1\n"
    expected = {"live": "true", "version": "1", "path": str(base.version_path(1)), "digest": base.manifest(1).digest}
    assert values(out) == expected


@pytest.mark.parametrize("command", [("live", "--or-none"), ("push", "MODEL", "--mounted")])
def test_a_step_of_a_pipeline_makes_no_root_of_its_own(run, tmp_path, saved_model, command):
    model = saved_model("one")
    arguments = [model if argument == "MODEL" else argument for argument in command]
    done = run(*arguments, "--root", tmp_path / "unmounted", "--model", "taxi")
    assert done.exit_code == 2
    assert done.stderr.startswith(
        f"error: There is no folder {tmp_path}/unmounted; give the root that `tfx-rollout serve` serves"
    )
    assert not (tmp_path / "unmounted").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("version", "'version' is not KEY=PATH"),
        ("version=", "'version=' is not KEY=PATH"),
        ("verzion=/tmp/v", "this command has no value 'verzion'; it has: pushed, version, digest, path, reason"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_done(run, saved_model, place, base, given, sentence):
    done = run("push", saved_model("one"), *place, "--output-file", given)
    assert done.exit_code == 2
    assert sentence in " ".join(done.stderr.split())
    assert base.versions() == []


def test_one_value_goes_to_one_file(run, saved_model, place):
    done = run("push", saved_model("one"), *place, "--output-file", "version=/tmp/a", "--output-file", "version=/tmp/b")
    assert done.exit_code == 2
    assert "version is given twice" in done.stderr


def test_an_output_that_cannot_be_written_fails_the_step(run, tmp_path, saved_model, place):
    (tmp_path / "file").write_text("")
    done = run("push", saved_model("one"), *place, "--output-file", f"version={tmp_path}/file/version")
    assert done.exit_code == 5
    assert done.stderr.count("\n") == 1
