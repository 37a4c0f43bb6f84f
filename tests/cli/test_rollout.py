"""The commands on a real store, with the simulated serving in the supervisor's place."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import RolloutController
from tfx_rollout.testing import ManualClock, SimulatedServing
from tfx_rollout.traffic import Label


class NoEvidence:
    def horizon(self):
        return 0.0

    def counts(self, model, start, end):
        raise AssertionError("there is no horizon, so nobody may ask for counts")


@pytest.fixture
def base(tmp_path, saved_model):
    """Model `taxi` with version 1 live and version 2 pushed."""
    base = ModelStore(tmp_path / "root").model("taxi")
    for name in ("one", "two"):
        base.publish(saved_model(name))
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


@pytest.fixture
def place(base):
    return ("--root", base.store.root, "--model", "taxi")


@pytest.fixture
def supervise(base):
    """Some turns of what the supervisor does, in no time."""
    clock = ManualClock()
    serving = SimulatedServing("taxi", clock)
    controller = RolloutController(base, NoEvidence(), clock)

    def turns(count: int = 60) -> None:
        for _ in range(count):
            serving.step(base.desired())
            serving.tick()
            base.write_observed(serving.observed())
            controller.tick()
            clock.advance(0.2)

    return turns


def test_a_rollout_is_started_listed_aborted_and_reported(run, run_json, place, supervise):
    started = run("rollout", "start", *place, "--plan", "demo", "--by", "ann", "--why", "a test")
    assert started.exit_code == 0
    assert "version 2 of taxi by plan demo" in started.stdout
    assert "Nothing happens until a supervisor serves this root" in started.stderr
    supervise()

    (row,) = run_json("rollout", "list", *place)
    assert (row["version"], row["stable"], row["phase"], row["by"], row["why"]) == (2, 1, "running", "ann", "a test")
    assert row["rollout"] in run("rollout", "list", *place).stdout
    running = run_json("status", *place[:2])["models"][0]["rollout"]
    assert (running["id"], running["phase"]) == (row["rollout"], "running")
    assert f"rollout {row['rollout']} of version 2, running" in run("status", *place).stdout

    second = run("rollout", "start", *place, "--plan", "demo")
    assert second.exit_code == 3
    assert second.stderr.startswith(f"error: Rollout {row['rollout']} of model 'taxi' (version 2) is still running")
    early = run("rollout", "approve", *place)
    assert early.exit_code == 3
    assert early.stderr.startswith("error: The order to approve is refused")
    assert run("rollback", *place).exit_code == 3

    aborted = run_json("rollout", "abort", row["rollout"], *place, "--by", "ben", "--why", "enough")
    assert (aborted["rollout"], aborted["kind"], aborted["by"], aborted["why"]) == (row["rollout"], "abort", "ben", "enough")
    supervise()

    watched = run("rollout", "watch", *place)
    assert watched.exit_code == 1
    assert "ben ordered to abort: enough" in watched.stdout
    assert "Outcome   rolled back" in watched.stdout
    lines = [json.loads(line) for line in run("rollout", "watch", *place, "--json").stdout.splitlines()]
    assert [line["type"] for line in lines] == ["event"] * (len(lines) - 1) + ["report"]
    assert lines[-1]["outcome"] == "rolled_back"

    assert "Outcome   rolled back" in run("rollout", "report", *place).stdout
    assert run_json("rollout", "report", row["rollout"], *place)["reason"] == lines[-1]["reason"]


def test_a_rollout_is_paused_resumed_skipped_and_rolled_back_at_once(run, run_json, place, supervise):
    run("rollout", "start", *place, "--plan", "demo")
    supervise()
    for kind, phase in (("pause", "paused"), ("resume", "running"), ("skip", "running")):
        ordered = run("rollout", kind, *place, "--by", "ann", "--why", f"a {kind}")
        assert (ordered.exit_code, ordered.stdout.split(": ")[1]) == (0, f"ordered to {kind}\n")
        supervise(10)
        (row,) = run_json("rollout", "list", *place)
        assert (row["phase"], row["stage"]) == (phase, 2 if kind == "skip" else 1)
    sent = run_json("rollout", "rollback", *place, "--now", "--by", "ann", "--why", "enough")
    assert (sent["kind"], sent["now"]) == ("rollback", True)
    supervise()
    watched = run("rollout", "watch", *place).stdout
    for said in ("pause: a pause", "resume: a resume", "skip: a skip", "rollback at once: enough"):
        assert f"ann ordered to {said}" in watched


def test_a_first_version_goes_live_and_is_promoted_by_an_order(run, place, base, supervise):
    base.write_desired(base.desired().change(versions=(), labels={}), expected=1)
    assert run("rollout", "start", *place, "--version", "2").exit_code == 0
    supervise()
    assert run("rollout", "watch", *place, "--until-decided").exit_code == 0
    assert run("rollout", "promote", *place).exit_code == 0
    supervise()
    assert run("rollout", "watch", *place).exit_code == 0
    assert run("live", *place).stdout == "2\n"


def test_a_return_to_the_version_before_needs_one_and_moves_the_labels(run, base, place):
    nothing = run("rollback", *place)
    assert nothing.exit_code == 3
    assert nothing.stderr.startswith("error: Model 'taxi' has no previous version loaded to return to")
    base.write_desired(base.desired().change(versions=(1, 2), labels={Label.STABLE: 2, Label.PREVIOUS: 1}), expected=1)
    done = run("rollback", *place, "--why", "it felt slow")
    assert done.exit_code == 0
    assert base.desired().labels == {Label.STABLE: 1, Label.PREVIOUS: 2}
    assert base.desired().cause.why == "it felt slow"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (("start", "--version", "9"), 4, "error: There is no version 9 in the base path"),
        (("start", "--version", "1"), 3, "error: Version 1 of model 'taxi' is live already"),
        (("start", "--plan", "nope"), 4, "error: There is no plan nope"),
        (("approve",), 4, "error: There is no rollout that runs in model taxi; known: none."),
        (("watch", "20200101T000000-v1"), 4, "error: There is no rollout 20200101T000000-v1"),
        (("report",), 4, "error: There is no rollout at all in model taxi; known: none."),
    ],
)
def test_what_cannot_be_is_refused_with_one_sentence_and_nothing_changes(run, base, place, arguments, exit_code, sentence):
    before = sorted(base.control.rglob("*"))
    result = run("rollout", *arguments, *place)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert any(line.startswith(sentence) for line in result.stderr.splitlines()), result.stderr
    assert [path for path in sorted(base.control.rglob("*")) if path not in before and path.name != "lock"] == []
