"""A retraining that meets a rollout, or another retraining: in one process, with a real store."""

from __future__ import annotations

import threading

import pytest

from tfx_rollout.audit import AuditLog
from tfx_rollout.errors import CorruptState, RetrainingOverlap
from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import list_rollouts, load_plan, read_rollout, start_rollout
from tfx_rollout.rollout.controller import RolloutController
from tfx_rollout.schedule.overlap import claim_retraining, retraining
from tfx_rollout.schedule.retraining import RetrainingLock
from tfx_rollout.testing import InMemoryEvidence, ManualClock, SimulatedServing
from tfx_rollout.traffic import Label


@pytest.fixture
def base(tmp_path):
    base = ModelStore(tmp_path / "root").model("taxi")
    for number in (1, 2):
        folder = tmp_path / f"export-{number}"
        folder.mkdir()
        (folder / "saved_model.pb").write_text(f"graph {number}")
        base.publish(folder)
    return base


@pytest.fixture
def rollout(base):
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return start_rollout(base, 2, load_plan("default"), by="ann", why="a test")


def enter(base, on_overlap, wait_seconds=0.0, say=lambda _: None):
    return retraining(base, on_overlap, wait_seconds=wait_seconds, by="test", say=say)


@pytest.fixture
def ending(base):
    """The supervisor's work, in a thread: takes orders, so that rollouts end."""
    clock = ManualClock()
    serving = SimulatedServing("taxi", clock)
    controller = RolloutController(base, InMemoryEvidence(clock, serving.split_at, waiting_seconds=2.0), clock)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            serving.step(base.desired())
            serving.tick()
            base.write_observed(serving.observed())
            controller.tick()
            clock.advance(0.2)

    thread = threading.Thread(target=work)
    yield thread
    stop.set()
    if thread.ident is not None:
        thread.join()


def test_it_begins_where_nothing_is_on_its_way(base):
    for on_overlap in ("wait", "supersede", "stop"):
        with enter(base, on_overlap):
            assert list_rollouts(base) == []


def test_with_stop_it_does_not_begin_beside_a_rollout(base, rollout):
    with (
        pytest.raises(
            RetrainingOverlap, match=rf"was not begun: rollout {rollout} of version 2 is on its way \(submitted\); wait for it"
        ),
        enter(base, "stop"),
    ):
        pytest.fail("it began")
    with pytest.raises(RetrainingOverlap), enter(base, "stop"):
        pytest.fail("the lock was given back, and the rollout still runs")


def test_with_wait_it_gives_up_after_its_time_and_says_that_nobody_serves(base, rollout):
    said = r"did not end in the time to wait; no supervisor serves .*tfx-rollout serve"
    with pytest.raises(RetrainingOverlap, match=said), enter(base, "wait", 0.3):
        pytest.fail("it began")
    assert read_rollout(base, rollout).orders == []


def test_with_supersede_the_rollout_is_ordered_once_to_make_room_and_it_begins_when_that_has_ended(base, rollout, ending):
    said: list[str] = []
    ending.start()
    with enter(base, "supersede", 30, said.append):
        (state,) = list_rollouts(base)
        assert state.finished
        assert state.outcome == "rolled_back"
        assert base.desired().stable == 1
    assert [order.kind for order in read_rollout(base, rollout).orders] == ["supersede"]
    (entry,) = AuditLog(base.store.access_dir).read().entries
    assert (entry.by, entry.role, entry.action, entry.facts["rollout"]) == ("test", "step", "order to supersede", rollout)
    assert said[0] == f"rollout {rollout} of version 2 was ordered to make room"


def test_of_two_retrainings_the_second_stops_or_waits(base):
    with enter(base, "stop"):
        said = r"another retraining runs \(process \d+ on .*\); let it finish, or stop it"
        with pytest.raises(RetrainingOverlap, match=said), enter(base, "stop"):
            pytest.fail("two run")
        with pytest.raises(RetrainingOverlap), enter(base, "wait", 0.3):
            pytest.fail("two run")
        with pytest.raises(RetrainingOverlap), enter(base, "supersede", 0.3):
            pytest.fail("a retraining cannot be superseded")
    with enter(base, "stop"):
        pass


def test_one_that_waits_begins_when_the_other_has_ended(base):
    began = threading.Event()

    def second() -> None:
        with enter(base, "wait", 30):
            began.set()

    with enter(base, "stop"):
        thread = threading.Thread(target=second)
        thread.start()
        assert not began.wait(0.5)
    thread.join()
    assert began.is_set()


def test_a_claim_keeps_all_others_out_until_it_is_released(base):
    claim = claim_retraining(base, "stop", run="run-1", seconds=60, wait_seconds=0, by="ann")
    assert claim.run == "run-1"
    said = r"run run-1 of ann has claimed it for \d+ s more; .*--release run-1"
    with pytest.raises(RetrainingOverlap, match=said), enter(base, "stop"):
        pytest.fail("it began")
    with pytest.raises(RetrainingOverlap):
        claim_retraining(base, "stop", run="run-2", seconds=60, wait_seconds=0, by="ben")
    again = claim_retraining(base, "stop", run="run-1", seconds=120, wait_seconds=0, by="ann")
    assert again.until > claim.until
    assert not RetrainingLock(base).release("run-2")
    assert RetrainingLock(base).release("run-1")
    with enter(base, "stop"):
        pass


def test_a_claim_that_ran_out_keeps_nobody_out(base):
    claim_retraining(base, "stop", run="run-1", seconds=0.01, wait_seconds=0, by="ann")
    with enter(base, "wait", 5):
        assert RetrainingLock(base).claimed() is None


def test_a_claim_is_not_kept_where_a_rollout_is_on_its_way(base, rollout):
    with pytest.raises(RetrainingOverlap):
        claim_retraining(base, "stop", run="run-1", seconds=60, wait_seconds=0, by="ann")
    assert RetrainingLock(base).claimed() is None


def test_a_claim_does_not_come_while_a_retraining_runs(base):
    with enter(base, "stop"), pytest.raises(RetrainingOverlap, match="another retraining runs"):
        claim_retraining(base, "stop", run="run-1", seconds=60, wait_seconds=0, by="ann")


def test_a_claim_file_that_is_none_is_told(base):
    (base.control / "retraining.json").write_text('{"run": "x"}')
    with pytest.raises(CorruptState, match=r"retraining\.json cannot be used \(it is no claim"):
        RetrainingLock(base).claimed()
