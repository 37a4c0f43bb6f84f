"""What the metrics are told of A/B tests: those that run with their figures, those that ended by their number."""

from __future__ import annotations

import pytest

from tfx_rollout.experiment import (
    ArmEvidence,
    ArmState,
    ExperimentPhase,
    ExperimentVerdict,
    experiment_from_dict,
    start_experiment,
)
from tfx_rollout.experiment.journal import ExperimentJournal
from tfx_rollout.experiment.progress import ExperimentProgressReader
from tfx_rollout.metrics.progress import ArmFigures
from tfx_rollout.model_store import ModelStore
from tfx_rollout.traffic import Label, Track

PLAN = {
    "name": "conversion",
    "header": "x-user-id",
    "variants": [{"version": 2, "share": 0.5}],
    "metric": {"name": "conversion", "kind": "event", "better": "higher", "within_seconds": 3600},
    "max_days": 14,
}
CONTROL = ArmEvidence(Track.STABLE, 1, ArmState.CONTROL, users=120, outcomes=100, positives=20, value=0.2)
VARIANT = ArmEvidence(Track.VARIANT_B, 2, ArmState.OPEN, users=110, outcomes=90, evidence_better=2.5, evidence_worse=0.3)
VERDICT = ExperimentVerdict(("Nothing is decided yet.",), 40.0, 20.0, {arm.track: arm for arm in (CONTROL, VARIANT)})


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
def journal(base):
    return ExperimentJournal(base, start_experiment(base, experiment_from_dict(PLAN), by="test", why="a test"))


def test_a_test_that_was_just_asked_for_has_no_arms_yet(base, journal):
    (figures,) = ExperimentProgressReader(base.store)("taxi").running
    assert (figures.experiment, figures.phase) == (journal.id, "submitted")
    assert figures.ends_at == journal.state().ends_at
    assert figures.arms == ()


def test_one_that_runs_has_its_arms_with_the_evidence_about_them(base, journal):
    journal.write_state(journal.state().change(phase=ExperimentPhase.RUNNING, verdict=VERDICT))
    (figures,) = ExperimentProgressReader(base.store)("taxi").running
    assert figures.phase == "running"
    assert figures.arms == (
        ArmFigures(Track.STABLE, 1, 120, 100, 0.2),
        ArmFigures(Track.VARIANT_B, 2, 110, 90, None, {"better": 2.5, "worse": 0.3}),
    )
    assert figures.thresholds == {"better": 40, "worse": 40, "harm": 20}


def test_one_that_ended_is_counted_by_its_outcome_and_not_read_again(base, journal):
    reader = ExperimentProgressReader(base.store)
    assert set(reader("taxi").ended.values()) == {0}
    journal.write_state(journal.state().change(phase=ExperimentPhase.ENDED, outcome="winner", verdict=VERDICT))
    progress = reader("taxi")
    assert progress.running == ()
    assert progress.ended["winner"] == sum(progress.ended.values()) == 1
    (journal.path / "state.json").write_text("{")
    assert reader("taxi").ended["winner"] == 1
