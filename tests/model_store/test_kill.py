"""A process that is killed at any step leaves nothing that hurts, and running it again ends where it would have ended."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tfx_rollout.model_store import BasePath, ModelStore, content_digest
from tfx_rollout.traffic import Cause, DesiredState, Label

pytestmark = pytest.mark.integration


@pytest.fixture
def template(folder: Path, make_model) -> Path:
    """A store whose model has version 1 of ours, and 7 of another pusher's without a manifest."""
    root = folder / "template"
    base = ModelStore(root).model("taxi")
    base.publish(make_model(1))
    make_model(7, at=base.path / "7")
    return root


@pytest.fixture
def fresh(folder: Path, template: Path):
    """Gives the model's base path in a new copy of the template."""
    root = folder / "copy"

    def copy() -> BasePath:
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(template, root)
        return ModelStore(root).model("taxi")

    return copy


def assert_all_whole(base: BasePath, contents: dict[int, str]) -> None:
    """No numbered folder but with the content that belongs there, and no manifest that says otherwise."""
    numbered = {int(entry.name) for entry in base.path.iterdir() if entry.name.isdigit()}
    assert numbered <= set(contents)
    for version in numbered:
        assert content_digest(base.path / str(version)) == contents[version]
        manifest = base.manifest(version)
        assert manifest is None or manifest.digest == contents[version]
    assert set(base.versions()) == numbered


def assert_clean(base: BasePath) -> None:
    assert list((base.path / ".staging").iterdir()) == []
    assert list(base.control.rglob("*.tmp")) == []


def test_a_pusher_killed_at_any_step_leaves_no_half_version_and_a_rerun_gives_the_same_version(
    fresh, make_model, count_steps, kill_before, capsys
):
    model = make_model(8, size=600_000)
    contents = {1: content_digest(make_model(1, at=model.parent / "again")), 7: content_digest(fresh().path / "7")}
    contents[8] = content_digest(model)
    base = fresh()
    steps = count_steps(lambda: base.publish(model, provenance={"run": "r1"}))
    assert base.versions() == [1, 7, 8]
    for step in range(1, steps + 1):
        base = fresh()
        kill_before(step, lambda base=base: base.publish(model, provenance={"run": "r1"}))
        assert_all_whole(base, contents)
        there = base.versions()
        result = base.publish(model, provenance={"run": "r1"})
        assert (result.version, result.digest, result.created) == (8, contents[8], 8 not in there), f"killed before step {step}"
        assert_all_whole(base, contents)
        assert_clean(base)
        manifest = base.manifest(8)
        assert manifest is not None
        assert manifest.provenance == {"run": "r1"}
        assert manifest.source == str(model)
        assert base.manifest(7).adopted
    with capsys.disabled():
        print(f" [pusher killed before each of {steps} steps]", end="")
    assert steps >= 100


def test_the_number_of_a_killed_push_goes_to_no_other_model(fresh, make_model, count_steps, kill_before):
    model, other = make_model(8), make_model(9)
    contents = {1: content_digest(fresh().path / "1"), 7: content_digest(fresh().path / "7"), 8: content_digest(model)}
    base = fresh()
    steps = count_steps(lambda: base.publish(model))
    outcomes = set()
    # Most steps come before the claim and are alike here; those from the staging's end on are all taken.
    for step in [*range(1, steps - 100, 10), *range(steps - 100, steps + 1)]:
        base = fresh()
        kill_before(step, lambda base=base: base.publish(model))
        published = 8 in base.versions()
        second = base.publish(other)
        again = base.publish(model)
        outcomes.add((published, second.version, again.version))
        assert_all_whole(base, {**contents, second.version: second.digest, again.version: again.digest})
        assert_clean(base)
        assert all(base.manifest(version) for version in base.versions())
        manifests = {int(file.stem) for file in (base.control / "versions").iterdir()}
        assert manifests == set(base.versions())
    before_the_claim, claimed, after_the_rename = (False, 8, 9), (False, 9, 10), (True, 9, 8)
    assert outcomes == {before_the_claim, claimed, after_the_rename}


def test_a_writer_killed_at_any_step_leaves_the_old_or_the_new_desired_state(fresh, template, count_steps, kill_before, capsys):
    def state(version: int, why: str) -> DesiredState:
        return DesiredState("taxi", versions=(version,), labels={Label.STABLE: version}, cause=Cause("test", why, 1.0))

    ModelStore(template).model("taxi").write_desired(state(1, "old"), expected=0)
    base = fresh()
    old = base.desired()
    steps = count_steps(lambda: base.write_desired(state(7, "new"), expected=1))
    new = base.desired()
    assert (old.generation, new.generation) == (1, 2)
    for step in range(1, steps + 1):
        base = fresh()
        kill_before(step, lambda base=base: base.write_desired(state(7, "new"), expected=1))
        found = base.desired()
        assert found in (old, new)
        assert [event["generation"] for event in base.history()] == list(range(1, found.generation + 1))
        if found == old:
            assert base.write_desired(state(7, "new"), expected=1) == new
        base.write_desired(state(1, "newer"), expected=2)
        assert [(e["generation"], e["cause"]["why"]) for e in base.history()] == [(1, "old"), (2, "new"), (3, "newer")]
        assert_clean(base)
    with capsys.disabled():
        print(f" [writer killed before each of {steps} steps]", end="")


def test_a_removal_killed_at_any_step_leaves_the_version_whole_or_gone_and_its_number_unused(
    fresh, make_model, count_steps, kill_before, capsys
):
    contents = {1: content_digest(fresh().path / "1"), 7: content_digest(fresh().path / "7")}
    base = fresh()
    steps = count_steps(lambda: base.remove_version(7))
    assert base.versions() == [1]
    for step in range(1, steps + 1):
        base = fresh()
        kill_before(step, lambda base=base: base.remove_version(7))
        assert_all_whole(base, contents)
        if 7 in base.versions():
            base.remove_version(7)
        assert base.publish(make_model(8, at=base.store.root / f"m{step}")).version == 8
        assert base.versions() == [1, 8]
        assert_clean(base)
    with capsys.disabled():
        print(f" [removal killed before each of {steps} steps]", end="")
