"""Records are read once for as long as they are the same, and what has ended is looked at no more."""

from __future__ import annotations

import time

import pytest

from tfx_rollout.control.documents import ExperimentWanted
from tfx_rollout.control.local.model_files import ModelFiles
from tfx_rollout.control.local.read_cache import ReadCache
from tfx_rollout.errors import NotFound, StorageFault
from tfx_rollout.model_store.file_stamp import FileStamp

EXPERIMENT = {
    "header": "x-user-id",
    "variants": [{"version": 3, "share": 0.5}],
    "metric": {"name": "conversion", "kind": "event", "within_seconds": 60},
    "max_days": 1,
}


@pytest.fixture
def files(base) -> ModelFiles:
    return ModelFiles(base, ReadCache())


@pytest.fixture
def rollout(control, wanted, supervised, base) -> str:
    """A rollout that has ended."""
    started = control.start_rollout("taxi", wanted(2, promotion="automatic")).id
    with supervised(base):
        assert list(control.follow_rollout("taxi", started))[-1]["outcome"] == "promoted"
    return started


@pytest.fixture
def experiment(control, rollout) -> str:
    """An A/B test that waits for a supervisor."""
    return control.start_experiment("taxi", ExperimentWanted(plan=EXPERIMENT, why="to see")).id


def test_each_kind_has_its_own(files, rollout, experiment):
    assert (files.rollouts.ids(), files.experiments.ids()) == ([rollout], [experiment])
    assert files.rollouts.report(rollout)["rollout"] == rollout
    assert files.experiments.report(experiment)["experiment"] == experiment
    for records, other, noun in ((files.rollouts, experiment, "rollout"), (files.experiments, rollout, "A/B test")):
        with pytest.raises(NotFound, match=f"There is no {noun} {other}"):
            records.document(other)


def test_what_runs_is_what_has_not_ended(files, rollout, experiment):
    assert files.running_rollout() is None
    assert files.running_experiment().id == experiment
    assert files.needing(3) == f"the A/B test {experiment}"
    assert files.needing(9) is None


def test_what_has_ended_is_listed_without_a_look_at_it(files, base, rollout):
    assert list(files.rollouts.unfinished) == []
    (base.control / "rollouts" / rollout / "state.json").write_text("{")
    assert list(files.rollouts.unfinished) == []
    assert files.rollouts.ids() == [rollout]


def test_a_report_is_made_once_and_anew_when_something_was_recorded(files, rollout):
    journal = files.rollouts.journal(rollout)
    while not all(FileStamp.of(path).settled for path in journal.path.iterdir()):
        time.sleep(0.01)
    report = files.rollouts.report(rollout)
    assert files.rollouts.report(rollout) is report
    journal.write_state(journal.state().change(reason="It was looked at again."))
    assert files.rollouts.report(rollout) is not report


def test_where_there_are_none_there_is_nothing_and_what_cannot_be_listed_is_told(files, base):
    assert (files.rollouts.ids(), files.experiments.ids()) == ([], [])
    (base.control / "experiments").write_text("no folder")
    with pytest.raises(StorageFault, match="experiments cannot be read"):
        files.experiments.ids()
