"""`rollout run`, `check` and `rollout end`: the steps of a pipeline on a root that is served."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import list_rollouts, plan_from_dict, start_rollout
from tfx_rollout.traffic import Label


@pytest.fixture
def models(saved_model):
    return {name: saved_model(name) for name in ("one", "two")}


@pytest.fixture
def base(tmp_path, models):
    """Model `taxi` with version 1 live and version 2 pushed."""
    base = ModelStore(tmp_path / "root").model("taxi")
    for model in models.values():
        base.publish(model)
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


@pytest.fixture
def place(base):
    return ("--root", base.store.root, "--model", "taxi")


@pytest.fixture
def canary(run, tmp_path, place, plan):
    """Runs the step of version 2; returns its values, its report and its page."""

    def canary(version: int = 2):
        out = tmp_path / "canary"
        keys = ("outcome", "passed", "reason", "version", "rollout", "generation", "digest")
        outputs = [option for key in keys for option in ("--output-file", f"{key}={out / key}")]
        files = ("--report", out / "report.json", "--html", out / "page.html")
        done = run("rollout", "run", *place, "--version", version, "--plan", json.dumps(plan), *files, *outputs)
        assert done.exit_code == 0, done.output
        return {key: (out / key).read_text() for key in keys}, out / "report.json", (out / "page.html").read_text()

    return canary


def validation(tmp_path, digest: str, blessed: bool = True):
    file = tmp_path / f"validation-{blessed}.json"
    file.write_text(json.dumps({"blessed": blessed, "reason": "as it was", "digest": digest, "checks": []}))
    return file


def test_a_sound_version_holds_and_is_promoted_by_all_evidence(run, run_json, tmp_path, base, models, place, canary, supervised):
    metrics = tmp_path / "metrics.json"
    metrics.write_text('{"accuracy": 0.93, "loss": 0.2}')
    blessed, page = tmp_path / "blessed", tmp_path / "check.html"
    with supervised(base):
        values, report, _ = canary()
        assert (values["outcome"], values["passed"], values["version"]) == ("holding", "true", "2")
        done = run(
            *("check", models["two"], *place, "--rollout", report, "--validation", validation(tmp_path, base.manifest(2).digest)),
            *("--metrics", metrics, "--require", "accuracy>=0.9, loss<0.5"),
            *("--output-file", f"blessed={blessed}", "--html", page, "--by", "run-17"),
        )
        # A pod that was lost after it had said its word is run again.
        again = run_json("check", models["two"], *place, "--rollout", report)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("blessed: all required evidence is there and says yes: model blessing, infra blessing, rollout")
    assert blessed.read_text() == "true"
    assert "accuracy is 0.93, loss is 0.2" in page.read_text()
    assert (base.desired().stable, base.desired().previous) == (2, 1)
    assert (again["blessed"], again["rollout"]["outcome"]) == (True, "promoted")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--metrics", "METRICS", "--require", "accuracy>=0.95"), "the model blessing says no: accuracy is 0.93, required is"),
        (("--model-blessing", "no"), "the model blessing says no"),
        (("--validation", "REFUSED"), "the infra blessing says no: as it was"),
        (("--validation", "OTHER"), "the infra blessing is about another model (sha256:other)"),
        (("--policy", '{"required": ["infra_blessing", "rollout"]}'), "the infra blessing is required and was not given"),
    ],
)
def test_evidence_against_the_model_rolls_it_back(run_json, tmp_path, base, models, place, canary, supervised, options, reason):
    (tmp_path / "metrics.json").write_text('{"accuracy": 0.93}')
    files = {
        "METRICS": tmp_path / "metrics.json",
        "REFUSED": validation(tmp_path, base.manifest(2).digest, blessed=False),
        "OTHER": validation(tmp_path, "sha256:other"),
    }
    with supervised(base):
        _, report, _ = canary()
        said = run_json("check", models["two"], *place, "--rollout", report, *(files.get(o, o) for o in options))
    assert said["blessed"] is False
    assert reason in said["reason"]
    assert said["rollout"]["outcome"] == "rolled_back"
    assert base.desired().labels == {Label.STABLE: 1}


def test_a_harmful_version_is_rolled_back_and_the_step_succeeds(run, tmp_path, base, models, place, canary, supervised):
    with supervised(base, failures=0.3):
        values, report, page = canary()
        done = run("check", models["two"], *place, "--rollout", report, "--output-file", f"outcome={tmp_path / 'outcome'}")
    assert (values["outcome"], values["passed"]) == ("rolled_back", "false")
    assert "rolled back" in page
    assert done.exit_code == 0
    assert done.stdout.startswith("not blessed: the rollout says no")
    assert (tmp_path / "outcome").read_text() == "rolled_back"
    assert base.desired().stable == 1


def test_a_version_that_is_live_is_left_alone_and_its_page_says_why(base, models, place, run_json, canary, supervised):
    with supervised(base):
        values, report, page = canary(version=1)
        assert (values["outcome"], values["rollout"]) == ("already_live", "")
        assert "already live" in page
        assert run_json("check", models["one"], *place, "--rollout", report)["blessed"] is True


def test_the_first_version_goes_live_without_a_canary(run_json, base, models, place, canary, supervised):
    base.write_desired(base.desired().change(versions=(), labels={}), expected=1)
    with supervised(base):
        values, report, _ = canary()
        assert values["outcome"] == "first_version"
        assert run_json("check", models["two"], *place, "--rollout", report)["blessed"] is True
    assert base.desired().stable == 2


def test_a_step_that_is_run_again_follows_the_rollout_that_it_had_begun(base, plan, canary, supervised):
    begun = start_rollout(base, 2, plan_from_dict(plan), by="a pod that was lost", why="a test")
    with supervised(base):
        values, _, _ = canary()
    assert values["rollout"] == begun
    assert len(list_rollouts(base)) == 1


@pytest.mark.parametrize(
    ("options", "exit_code", "sentence"),
    [
        (("--rollout", "nope.json"), 2, "error: There is no rollout report at nope.json"),
        (("--rollout", "EMPTY"), 2, "error: EMPTY is no report of a rollout step"),
        (("--rollout", "GOOD", "--validation", "GOOD"), 2, "error: GOOD is no validation report"),
        (("--rollout", "GOOD", "--require", "accuracy>=0.9"), 2, "error: The requirements 'accuracy>=0.9' need metrics"),
        (("--rollout", "GOOD", "--metrics", "EMPTY"), 2, "error: The metrics at EMPTY say nothing without requirements"),
        (
            ("--rollout", "GOOD", "--metrics", "METRICS", "--require", "auc>0.5"),
            2,
            "error: the requirements on METRICS is not valid",
        ),
        (("--rollout", "GOOD", "--metrics", "METRICS", "--require", "a=1"), 2, "error: 'a=1' is no requirement"),
        (("--rollout", "GOOD", "--metrics", "METRICS", "--require", "a>1", "--model-blessing", "yes"), 2, "error: Both a model"),
        (("--rollout", "GOOD", "--policy", '{"required": ["luck"]}'), 2, "error: the policy of the blessing check is not valid"),
    ],
)
def test_bad_input_is_refused_with_one_sentence_and_nothing_is_ordered(
    run, tmp_path, base, models, place, options, exit_code, sentence
):
    files = {"EMPTY": "{}", "METRICS": '{"accuracy": 0.9}'}
    files["GOOD"] = json.dumps(
        {"outcome": "holding", "passed": True, "reason": "", "version": 2, "digest": "", "rollout": "", "generation": 0}
    )
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        sentence = sentence.replace(name, str(tmp_path / name))
    done = run("check", models["two"], *place, *(tmp_path / o if o in files else o for o in options))
    assert (done.exit_code, done.stdout) == (exit_code, "")
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert base.desired().generation == 1


def end(run, place, *options):
    return run("rollout", "end", *place, "--begun-by", "run-17", *options)


def test_what_a_failed_run_left_is_aborted_and_what_others_began_is_not(run, tmp_path, base, place, plan, supervised):
    queued = plan_from_dict({**plan, "on_running": "queue", "min_windows": 100_000})
    ours = start_rollout(base, 2, queued, by="run-17", why="a test")
    others = start_rollout(base, 2, queued, by="run-18", why="a test")
    with supervised(base):
        done = end(run, place, "--status", '{"state": "FAILED"}', "--output-file", f"ended={tmp_path / 'ended'}")
        assert (done.exit_code, done.stdout) == (0, f"rollout {ours} of version 2 is rolled_back\n")
        assert (tmp_path / "ended").read_text() == "1"
        states = {state.id: state for state in list_rollouts(base)}
        assert "run-17 ordered to abort" in states[ours].reason
        assert not states[others].finished
    assert base.desired().stable == 1


@pytest.mark.parametrize("state", ["SUCCEEDED", "COMPLETE"])
def test_after_a_success_nothing_is_ended(run, base, place, plan, state):
    started = start_rollout(base, 2, plan_from_dict(plan), by="run-17", why="a test")
    done = end(run, place, "--status", json.dumps({"state": state, "error": {}}))
    assert (done.exit_code, done.stdout) == (0, "the pipeline has succeeded, so nothing was changed\n")
    assert [rollout.id for rollout in list_rollouts(base) if not rollout.finished] == [started]


def test_where_nothing_is_unfinished_a_failure_changes_nothing(run, tmp_path, place):
    done = end(run, place, "--status", '{"state": "FAILED"}')
    assert (done.exit_code, done.stdout) == (0, "no rollout of this run was unfinished, so nothing was changed\n")
    # Not even a model has to be there: a first run may fail before its push.
    assert end(run, (*place[:3], "unknown")).exit_code == 0


def test_what_cannot_be_ended_since_nobody_serves_the_root_is_ordered_and_told(run, base, place, plan):
    start_rollout(base, 2, plan_from_dict(plan), by="run-17", why="a test")
    done = end(run, place)
    assert done.exit_code == 6
    assert "error: No supervisor serves" in done.stderr


def test_a_status_that_is_none_is_refused(run, place):
    done = end(run, place, "--status", '{"phase": "Failed"}')
    assert done.exit_code == 2
    assert done.stderr.startswith("error: The status ")
