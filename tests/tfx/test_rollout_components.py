"""CanaryRollout and BlessingCheck on a served root: what was judged goes live, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfx_rollout.blessing import Policy
from tfx_rollout.traffic import Label

pytestmark = pytest.mark.integration


@pytest.fixture
def stage(bench, serving, plan):
    """The last three components as a pipeline runs them, one after the other."""
    from tfx.types import standard_artifacts as standard

    import tfx_rollout
    from tfx_rollout.tfx import blessing_check, canary_rollout, versioned_pusher

    class Stage:
        def push(self, model, **blessings):
            pushed = bench.artifact(standard.PushedModel)
            bench.run(versioned_pusher.Executor, {"model": model, **blessings}, {"pushed_model": pushed}, destination=serving)
            return pushed

        def canary(self, pushed):
            report = bench.artifact(tfx_rollout.RolloutReport)
            bench.run(
                canary_rollout.Executor, {"pushed_model": pushed}, {"report": report}, serving=serving, plan=json.dumps(plan)
            )
            return report

        def check(self, model, pushed, report, **blessings):
            blessing = bench.artifact(standard.ModelBlessing)
            inputs = {"model": model, "pushed_model": pushed, "report": report, **blessings}
            kinds = ["pushed_model", "rollout", *blessings]
            policy = json.dumps({**Policy().to_json(), "required": kinds})
            bench.run(blessing_check.Executor, inputs, {"blessing": blessing}, serving=serving, policy=policy)
            return blessing

        def evaluated(self, model, blessed: int):
            return bench.artifact(standard.ModelBlessing, blessed=blessed, current_model=model.uri, current_model_id=model.id)

    return Stage()


@pytest.fixture
def live(bench):
    """A first version is live."""
    bench.base.publish(Path(bench.model().uri) / "Format-Serving")
    bench.base.write_desired(bench.base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return bench


def another(path: Path) -> None:
    """The same answers from other content."""
    (path / "assets.extra").mkdir()
    (path / "assets.extra" / "note").write_text("another one")


def test_a_sound_model_is_promoted_and_blessed_as_the_evaluator_blesses(live, stage, supervised):
    model = live.model(edit=another)
    with supervised(live.base):
        pushed = stage.push(model)
        report = stage.canary(pushed)
        assert report.get_string_custom_property("outcome") == "holding"
        assert report.get_int_custom_property("passed") == 1
        assert report.get_string_custom_property("digest") == pushed.get_string_custom_property("digest")
        blessing = stage.check(model, pushed, report, model_blessing=stage.evaluated(model, 1))
    assert live.base.desired().stable == 2
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_string_custom_property("current_model") == model.uri
    assert blessing.get_int_custom_property("current_model_id") == model.id
    assert blessing.get_string_custom_property("outcome") == "promoted"
    assert (Path(blessing.uri) / "BLESSED").is_file()
    decision = json.loads((Path(blessing.uri) / "decision.json").read_text())
    assert [piece["kind"] for piece in decision["evidence"]] == ["model_blessing", "pushed_model", "rollout"]
    assert json.loads((Path(report.uri) / "report.json").read_text())["state"]["version"] == 2
    assert "version 2 after version 1" in (Path(report.uri) / "report.html").read_text()


def test_a_harmful_model_is_rolled_back_and_not_blessed(live, stage, supervised):
    model = live.model(edit=another)
    with supervised(live.base, failures=0.3):
        pushed = stage.push(model)
        report = stage.canary(pushed)
        blessing = stage.check(model, pushed, report)
    assert report.has_custom_property("passed")
    assert report.get_int_custom_property("passed") == 0
    assert report.get_string_custom_property("outcome") == "rolled_back"
    assert live.base.desired().stable == 1
    assert blessing.has_custom_property("blessed")
    assert blessing.get_int_custom_property("blessed") == 0
    assert "the rollout says no" in blessing.get_string_custom_property("reason")
    assert (Path(blessing.uri) / "NOT_BLESSED").is_file()


def test_evidence_about_another_model_rolls_a_sound_canary_back(live, stage, supervised):
    model = live.model(edit=another)
    with supervised(live.base):
        pushed = stage.push(model)
        report = stage.canary(pushed)
        blessing = stage.check(model, pushed, report, model_blessing=stage.evaluated(live.model(), 1))
    assert live.base.desired().labels == {Label.STABLE: 1}
    assert "the model blessing is about another model" in blessing.get_string_custom_property("reason")
    assert blessing.get_string_custom_property("outcome") == "rolled_back"


def test_a_model_that_was_not_pushed_is_not_rolled_out_and_the_run_succeeds(live, stage):
    model = live.model(edit=another)
    refused = stage.evaluated(model, 0)
    pushed = stage.push(model, model_blessing=refused)
    report = stage.canary(pushed)
    assert report.get_string_custom_property("outcome") == "not_pushed"
    assert report.get_int_custom_property("passed") == 0
    assert "the model blessing says no" in report.get_string_custom_property("reason")
    assert stage.check(model, pushed, report, model_blessing=refused).get_int_custom_property("blessed") == 0
    assert live.base.desired().stable == 1


def test_a_first_model_goes_live_and_a_second_run_of_it_moves_nothing(bench, stage, supervised):
    model = bench.model()
    with supervised(bench.base):
        pushed = stage.push(model)
        report = stage.canary(pushed)
        assert report.get_string_custom_property("outcome") == "first_version"
        assert stage.check(model, pushed, report).get_int_custom_property("blessed") == 1
        generation = bench.base.desired().generation
        again = stage.canary(stage.push(model))
        assert again.get_string_custom_property("outcome") == "already_live"
        assert stage.check(model, pushed, again).get_int_custom_property("blessed") == 1
    assert bench.base.desired().generation == generation
    assert bench.base.desired().stable == 1


def test_a_plan_is_read_when_the_pipeline_is_written_and_travels_whole(tmp_path):
    from tfx import types
    from tfx.types import standard_artifacts as standard

    from tfx_rollout.errors import InvalidPlan, NotFound
    from tfx_rollout.rollout import load_plan
    from tfx_rollout.tfx.canary_rollout import CanaryRollout, read_plan

    channel = types.Channel(type=standard.PushedModel)
    serving = {"root": "/srv", "model": "taxi"}
    component = CanaryRollout(channel, serving=serving, plan="demo")
    assert read_plan(component.spec.exec_properties["plan"]) == load_plan("demo")
    with pytest.raises(NotFound, match="demo"):
        CanaryRollout(channel, serving=serving, plan="domo")
    with pytest.raises(InvalidPlan, match="share"):
        CanaryRollout(channel, serving=serving, plan={"stages": [{"share": 2}]})


def test_the_default_policy_requires_what_is_connected():
    from tfx import types
    from tfx.types import standard_artifacts as standard

    import tfx_rollout
    from tfx_rollout.tfx.blessing_check import BlessingCheck

    check = BlessingCheck(
        model=types.Channel(type=standard.Model),
        report=types.Channel(type=tfx_rollout.RolloutReport),
        infra_blessing=types.Channel(type=standard.InfraBlessing),
        serving={"root": "/srv", "model": "taxi"},
    )
    assert json.loads(check.spec.exec_properties["policy"])["required"] == ["infra_blessing", "rollout"]
