"""Every change that a step of a pipeline makes, or is kept from making, is in the record of changes with who it acts for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfx_rollout.audit import AuditEntry, AuditLog
from tfx_rollout.blessing import Evidence, Kind
from tfx_rollout.control.local import LocalControl
from tfx_rollout.errors import InvalidModel, RolloutInProgress
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.rollout import plan_from_dict, start_rollout
from tfx_rollout.steps.canary import run_canary, settle
from tfx_rollout.steps.push import push
from tfx_rollout.steps.unfinished import end_unfinished
from tfx_rollout.traffic import Label

BY = "pipeline nightly, run 7"
PROVENANCE = {"by": BY, "run": "7"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "saved_model.pb").write_text("a model")
    return folder


@pytest.fixture
def base(tmp_path: Path, model: Path) -> BasePath:
    """Version 1 live, version 2 published."""
    base = ModelStore(tmp_path / "root").model("taxi")
    base.publish(model)
    (model / "saved_model.pb").write_text("another")
    base.publish(model)
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


@pytest.fixture
def quick(plan):
    return plan_from_dict(plan)


def recorded(base: BasePath) -> list[AuditEntry]:
    """Oldest first."""
    return AuditLog(base.store.access_dir).read().entries[::-1]


def test_a_push_is_recorded_and_so_is_one_that_finds_its_version_there(base, model):
    (model / "saved_model.pb").write_text("a third")
    for _ in range(2):
        pushed = push(base, model, [], uri="somewhere/model", provenance=PROVENANCE)
    first, again = recorded(base)
    assert (first.by, first.role, first.action, first.model) == (BY, "step", "publish a version", "taxi")
    assert (first.status, first.detail) == (200, "version 3")
    assert first.facts == {"run": "7", "source": "somewhere/model", "digest": pushed.digest}
    assert again.detail == "version 3, which was there already"


def test_a_push_that_a_blessing_refuses_is_recorded_as_refused_unless_there_is_no_such_model(base, model, tmp_path):
    evidence = [Evidence(kind=Kind.INFRA_BLESSING, passed=False, reason="it crashed")]
    elsewhere = ModelStore(tmp_path / "no-root").model("taxi")
    for place in (base, elsewhere, base.store.model("bus")):
        assert not push(place, model, evidence, uri="somewhere/model", provenance=PROVENANCE).pushed
    (entry,) = recorded(base)
    assert (entry.status, entry.by) == (409, BY)
    assert "it crashed" in entry.detail
    assert not elsewhere.store.root.exists()


def test_a_rollout_from_its_start_to_its_last_word_is_recorded(base, quick, supervised):
    with supervised(base):
        found = run_canary(base, 2, quick, by=BY, why="run 7", timeout_s=60)
        settle(base, found, True, by=BY, why="all evidence", timeout_s=60)
    started, promoted = recorded(base)
    assert (started.by, started.role, started.action, started.status) == (BY, "step", "start a rollout", 200)
    assert started.detail == f"rollout {found.rollout} of version 2 by plan quick"
    assert started.facts == {"version": 2, "plan": "quick", "why": "run 7"}
    assert (promoted.action, promoted.status, promoted.detail) == ("order to promote", 200, f"order 1 of rollout {found.rollout}")
    assert promoted.facts == {"rollout": found.rollout, "why": "all evidence"}


def test_a_rollout_that_could_not_be_started_is_recorded_as_refused(base, quick, supervised, model):
    (model / "saved_model.pb").write_text("a third")
    base.publish(model)
    with supervised(base):
        begun = start_rollout(base, 3, quick, by="ann", why="first")
        with pytest.raises(RolloutInProgress):
            run_canary(base, 2, quick, by=BY, why="run 7", timeout_s=60)
    (entry,) = recorded(base)
    assert (entry.action, entry.status) == ("start a rollout", 409)
    assert begun in entry.detail


def test_what_an_exit_task_aborts_is_recorded_and_told_over_the_api(base, quick, supervised):
    started = start_rollout(base, 2, quick, by=BY, why="run 7")
    with supervised(base):
        end_unfinished(base, begun_by=BY, why="the pipeline failed", timeout_s=60)
    (entry,) = LocalControl(base.store, by="ann").audit().entries
    assert (entry.by, entry.role, entry.action) == (BY, "step", "order to abort")
    assert entry.facts == {"rollout": started, "why": "the pipeline failed"}


def test_a_push_that_fails_is_recorded_unless_there_is_no_such_model(base, model, tmp_path):
    elsewhere = ModelStore(tmp_path / "no-root").model("taxi")
    (model / "saved_model.pb").unlink()
    (model / "notes.txt").write_text("no model")
    for place in (base, elsewhere):
        with pytest.raises(InvalidModel):
            push(place, model, [], uri="somewhere/model", provenance=PROVENANCE)
    (entry,) = recorded(base)
    assert (entry.status, entry.action) == (422, "publish a version")
    assert not elsewhere.store.root.exists()
