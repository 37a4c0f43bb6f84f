"""What the metrics are told of rollouts: those that run with their figures, those that ended by their number."""

from __future__ import annotations

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import await_rollout, plan_from_dict, send_order, start_rollout
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.rollout.progress import ProgressReader
from tfx_rollout.traffic import Label

PLAN = {
    "stages": [{"share": 0.5, "min_seconds": 10, "max_seconds": 300, "max_failure_rate": 0.05}],
    "window_seconds": 5,
    "waiting_seconds": 2,
    "min_windows": 3,
    "min_requests": 100,
    "promotion_deadline_seconds": 100_000,
}


@pytest.fixture
def base(tmp_path):
    """Version 1 live, 2 published."""
    base = ModelStore(tmp_path / "root").model("taxi")
    for mark in ("one", "two"):
        folder = tmp_path / mark
        folder.mkdir()
        (folder / "saved_model.pb").write_text(mark)
        base.publish(folder)
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


@pytest.fixture
def started(base):
    return start_rollout(base, 2, plan_from_dict(PLAN), by="test", why="a test")


def test_a_rollout_that_was_just_asked_for_has_no_evidence_yet(base, started):
    progress = ProgressReader(base.store)("taxi")
    (figures,) = progress.running
    assert (figures.rollout, figures.version, figures.phase) == (started, 2, "submitted")
    assert (figures.stage, figures.stages) == (0, 1)
    assert figures.evidence == {"all": 1.0}
    assert figures.threshold == 20
    assert figures.deadline is None


def test_one_that_holds_has_evidence_and_a_deadline_and_ends_in_its_outcome(base, started, supervised):
    reader = ProgressReader(base.store)
    with supervised(base):
        state = await_rollout(base, started, timeout=60)
        (figures,) = reader("taxi").running
        assert (figures.phase, figures.stage) == ("holding", 1)
        assert figures.deadline == state.phase_since + 100_000
        assert figures.evidence["all"] == state.verdict.e_value
        assert set(figures.evidence) == {"all", *state.verdict.metrics}
        assert set(reader("taxi").ended.values()) == {0}
        send_order(base, started, "promote", by="test", why="a test")
        await_rollout(base, started, timeout=60, until=lambda state: state.finished)
    progress = reader("taxi")
    assert progress.running == ()
    assert {outcome: count for outcome, count in progress.ended.items() if count} == {"promoted": 1}


def test_a_record_of_one_that_ended_is_not_read_again(base, started, supervised):
    reader = ProgressReader(base.store)
    with supervised(base, failures=0.5):
        await_rollout(base, started, timeout=60, until=lambda state: state.finished)
    assert reader("taxi").ended["rolled_back"] == 1
    (Journal(base, started).path / "plan.json").write_text("{")
    assert reader("taxi").ended["rolled_back"] == 1


def test_a_model_without_rollouts_tells_of_every_outcome_that_there_were_none(tmp_path):
    progress = ProgressReader(ModelStore(tmp_path))("taxi")
    assert progress.running == ()
    assert set(progress.ended) == {"promoted", "first_version", "rolled_back", "failed"}
    assert set(progress.ended.values()) == {0}
