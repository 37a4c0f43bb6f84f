"""A blessed model becomes a version; any other is not pushed, and the run succeeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfx_rollout.errors import InvalidPlan

pytestmark = pytest.mark.integration


@pytest.fixture
def push(bench, serving):
    from tfx.types import standard_artifacts as standard

    from tfx_rollout.tfx.versioned_pusher import Executor

    def push(model, **blessings):
        inputs = {"model": model, **blessings}
        pushed = bench.artifact(standard.PushedModel)
        bench.run(Executor, inputs, {"pushed_model": pushed}, destination=serving, run_id="run-1")
        return pushed

    return push


def blessing(bench, kind: str, **properties):
    from tfx.types import standard_artifacts as standard

    return bench.artifact(getattr(standard, kind), **properties)


def test_a_blessed_model_becomes_version_one_with_what_the_stock_pusher_writes(bench, push):
    model = bench.model()
    pushed = push(
        model,
        model_blessing=blessing(bench, "ModelBlessing", blessed=1, current_model=model.uri),
        infra_blessing=blessing(bench, "InfraBlessing", blessed=1),
    )
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == "1"
    assert Path(pushed.get_string_custom_property("pushed_destination")) == bench.base.version_path(1)
    assert pushed.get_string_custom_property("digest") == bench.base.manifest(1).digest
    assert (Path(pushed.uri) / "saved_model.pb").is_file()
    assert bench.base.manifest(1).provenance["run"] == "run-1"
    assert bench.base.desired().generation == 0, "a push moves no traffic"


def test_the_same_model_again_is_the_same_version(bench, push):
    first, second = push(bench.model()), push(bench.model())
    assert first.get_string_custom_property("pushed_version") == second.get_string_custom_property("pushed_version") == "1"
    assert bench.base.versions() == [1]


@pytest.mark.parametrize(
    ("kind", "key", "properties", "why"),
    [
        ("ModelBlessing", "model_blessing", {"blessed": 0}, "the model blessing says no"),
        ("ModelBlessing", "model_blessing", {}, "says neither yes nor no"),
        ("ModelBlessing", "model_blessing", {"blessed": 1, "current_model": "/elsewhere"}, "is about another model"),
        ("InfraBlessing", "infra_blessing", {"blessed": 0, "reason": "it crashed"}, "the infra blessing says no: it crashed"),
        ("InfraBlessing", "infra_blessing", {"blessed": 1, "digest": "sha256:other"}, "is about another model"),
    ],
)
def test_without_a_yes_about_this_model_nothing_is_pushed_and_the_run_succeeds(bench, push, kind, key, properties, why):
    pushed = push(bench.model(), **{key: blessing(bench, kind, **properties)})
    assert pushed.get_int_custom_property("pushed") == 0
    assert pushed.has_custom_property("pushed")
    assert why in pushed.get_string_custom_property("reason")
    assert bench.base.versions() == []
    assert list(Path(pushed.uri).iterdir()) == []


def test_a_faulty_destination_is_refused_with_all_faults():
    from tfx import types
    from tfx.types import standard_artifacts as standard

    from tfx_rollout.tfx.versioned_pusher import VersionedPusher

    with pytest.raises(InvalidPlan, match=r"destination .* root: .* name: there is no such field"):
        VersionedPusher(types.Channel(type=standard.Model), destination={"model": "taxi", "name": "x"})
