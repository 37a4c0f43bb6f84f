"""The pipeline's step around a rollout: submitted once, followed, settled once; what it cannot do it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfx_rollout.control.local import LocalControl
from tfx_rollout.errors import Conflict, NotFound, ServingFault
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.rollout import Phase, await_rollout, list_rollouts, plan_from_dict, read_rollout, send_order, start_rollout
from tfx_rollout.steps.canary import default_timeout, page_of, progress, run_canary, settle
from tfx_rollout.steps.unfinished import end_unfinished
from tfx_rollout.traffic import Label, Split


@pytest.fixture
def base(tmp_path: Path) -> BasePath:
    """Versions 1 and 2 published, nothing live."""
    base = ModelStore(tmp_path / "root").model("taxi")
    for mark in ("one", "two"):
        folder = tmp_path / mark
        folder.mkdir()
        (folder / "saved_model.pb").write_text(mark)
        base.publish(folder)
    return base


@pytest.fixture
def live(base: BasePath) -> BasePath:
    """Version 1 live."""
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


@pytest.fixture
def quick(plan):
    return plan_from_dict(plan)


def run(base: BasePath, version: int, plan, **more):
    return run_canary(base, version, plan, by="test", why="a test", timeout_s=60, **more)


def say_last_word(base: BasePath, found, promote: bool):
    return settle(base, found, promote, by="test", why="all evidence", timeout_s=60)


def test_a_first_version_goes_live_without_a_canary_and_the_report_says_so(base, quick, supervised):
    with supervised(base):
        found = run(base, 1, quick)
        assert (found.outcome, found.passed) == ("first_version", True)
        assert "first version, without a canary" in found.reason
        assert base.desired().stable == 1
        ended = say_last_word(base, found, promote=True)
    assert (ended.outcome, ended.passed) == ("first_version", True)
    assert base.desired().stable == 1


def test_a_sound_version_holds_until_it_is_promoted(live, quick, supervised):
    lines: list[str] = []
    with supervised(live):
        found = run(live, 2, quick, say=lines.append)
        assert (found.outcome, found.passed, live.desired().stable) == ("holding", True, 1)
        assert found.digest == live.manifest(2).digest
        # The simulated time runs so fast that the stage may be over between two looks; where it ends is always said.
        assert lines[0].startswith(f"rollout {found.rollout} of version 2")
        assert lines[-1].startswith("version 2 of taxi: holding; ")
        ended = say_last_word(live, found, promote=True)
    assert (ended.outcome, ended.passed) == ("promoted", True)
    assert (live.desired().stable, live.desired().previous) == (2, 1)
    assert "✓ promoted" in page_of(live, ended.rollout)


def test_a_rollout_that_somebody_paused_while_it_held_gets_its_last_word_when_it_holds_again(live, quick, supervised):
    lines: list[str] = []

    def resume_when_waited_for(line: str) -> None:
        lines.append(line)
        if "is paused" in line:
            send_order(live, found.rollout, "resume", by="ann", why="the figures are fine")

    with supervised(live):
        found = run(live, 2, quick)
        send_order(live, found.rollout, "pause", by="ann", why="to look at the figures")
        await_rollout(live, found.rollout, until=lambda state: state.phase is Phase.PAUSED, timeout=30)
        ended = settle(live, found, True, by="test", why="all evidence", timeout_s=60, say=resume_when_waited_for)
    assert (ended.outcome, ended.passed) == ("promoted", True)
    assert lines[0].endswith("holds no more but is paused, which a person has to end")


@pytest.mark.parametrize("taken_up", [True, False])
def test_what_people_pin_between_the_rollout_and_its_last_word_fails_no_pipeline(live, quick, supervised, taken_up):
    operator = LocalControl(ModelStore(live.store.root), by="ann")
    with supervised(live):
        found = run(live, 2, quick)
        operator.pin("taxi", 1, why="the one we trust")
        if taken_up:
            await_rollout(live, found.rollout, until=lambda state: state.wanted.pinned == (1,), timeout=30)
        ended = say_last_word(live, found, promote=True)
    assert (ended.outcome, ended.generation > found.generation) == ("promoted", True)
    assert (live.desired().stable, live.desired().pinned) == (2, (1,))


def test_a_version_that_is_refused_is_rolled_back(live, quick, supervised):
    with supervised(live):
        ended = say_last_word(live, run(live, 2, quick), promote=False)
    assert (ended.outcome, ended.passed) == ("rolled_back", False)
    assert live.desired().labels == {Label.STABLE: 1}


def test_a_harmful_version_is_rolled_back_by_the_judge_and_no_word_changes_that(live, quick, supervised):
    with supervised(live, failures=0.3):
        found = run(live, 2, quick)
        assert (found.outcome, found.passed) == ("rolled_back", False)
        assert found.reason
        assert say_last_word(live, found, promote=True).outcome == "rolled_back"
    assert live.desired().stable == 1


def test_a_version_that_is_live_is_left_alone(live, quick, supervised):
    with supervised(live):
        found = run(live, 1, quick)
        assert (found.outcome, found.passed, found.rollout) == ("already_live", True, "")
        assert say_last_word(live, found, promote=True) == found
    assert list_rollouts(live) == []


def test_a_step_that_is_run_again_follows_the_rollout_that_is_under_way(live, quick, supervised):
    rollout = start_rollout(live, 2, quick, by="a run before", why="its pod was lost")
    with supervised(live):
        first, second = run(live, 2, quick), run(live, 2, quick)
    assert first.rollout == second.rollout == rollout
    assert len(list_rollouts(live)) == 1


def test_a_step_whose_rollout_has_ended_tells_its_outcome_again_and_another_run_begins_a_new_one(live, quick, supervised):
    with supervised(live, failures=0.3):
        first, again = run(live, 2, quick, once=True), run(live, 2, quick, once=True)
        assert first.outcome == again.outcome == "rolled_back"
        assert first.rollout == again.rollout
        later = run_canary(live, 2, quick, by="test", why="a test of the next day", once=True, timeout_s=60)
    assert later.rollout != first.rollout
    assert [state.id for state in list_rollouts(live)] == [first.rollout, later.rollout]


def test_an_order_for_something_else_than_was_judged_is_refused(live, quick, supervised):
    from dataclasses import replace

    with supervised(live):
        found = run(live, 2, quick)
        with pytest.raises(Conflict, match="digest"):
            say_last_word(live, replace(found, digest="sha256:other"), promote=True)
    assert live.desired().stable == 1


def test_where_the_plan_wants_a_person_the_promotion_is_left_to_one(live, plan, supervised):
    by_hand = plan_from_dict({**plan, "promotion": "approval"})
    with supervised(live):
        found = run(live, 2, by_hand)
        with pytest.raises(ServingFault, match=r"not decided within 0\.5 s"):
            settle(live, found, True, by="test", why="all evidence", timeout_s=0.5)
        assert live.desired().stable == 1
        assert settle(live, found, False, by="test", why="refused", timeout_s=60).outcome == "rolled_back"


def test_without_a_supervisor_the_mend_is_named_and_nothing_is_submitted(live, quick):
    with pytest.raises(ServingFault, match="start `tfx-rollout serve"):
        run(live, 2, quick)
    assert list_rollouts(live) == []


def test_a_version_that_another_pusher_left_is_adopted_and_rolled_out(live, quick, supervised):
    folder = live.path / "1584391735"
    folder.mkdir()
    (folder / "saved_model.pb").write_text("by the stock Pusher")
    with supervised(live):
        found = run(live, 1584391735, quick)
    assert (found.outcome, found.passed) == ("holding", True)


def test_a_version_that_was_never_published_is_not_found(live, quick):
    with pytest.raises(NotFound, match="no version 9"):
        run(live, 9, quick)


def test_a_rollout_that_is_not_decided_in_time_goes_on(live, plan, supervised):
    endless = plan_from_dict({**plan, "min_windows": 100_000, "on_running": "refuse"})
    with supervised(live):
        with pytest.raises(ServingFault, match=r"was not decided within 0\.5 s .* goes on"):
            run_canary(live, 2, endless, by="test", why="a test", timeout_s=0.5)
        assert not list_rollouts(live)[0].finished


def test_the_time_to_wait_covers_all_stages_at_their_longest(quick):
    assert default_timeout(quick) == 300 + 3600


def test_the_line_on_a_running_rollout_says_stage_and_split(live, quick):
    start_rollout(live, 2, quick, by="test", why="a test")
    (submitted,) = list_rollouts(live)
    wanted = live.desired().change(versions=(1, 2), labels={Label.STABLE: 1, Label.CANARY: 2}, split=Split.of(0.5))
    running = submitted.change(phase=Phase.RUNNING, stage=0, wanted=wanted)
    assert progress(running).startswith("version 2 of taxi: running; stage 1, stable 50 % · canary 50 %")


def test_a_persons_order_that_came_first_counts_and_the_last_word_is_not_given(live, quick, supervised):
    with supervised(live):
        found = run(live, 2, quick)
    send_order(live, found.rollout, "abort", by="ann", why="complaints")
    with supervised(live):
        ended = say_last_word(live, found, promote=True)
    assert (ended.outcome, ended.passed) == ("rolled_back", False)
    assert ended.reason == "ann ordered to abort: complaints"
    assert [order.kind for order in read_rollout(live, found.rollout).orders] == ["abort"]
    assert live.desired().stable == 1


def test_a_persons_order_that_is_taken_up_between_the_last_look_and_the_last_word_counts(live, quick, supervised):
    class Overtaken(BasePath):
        """The first who wants to change something finds that ann was faster."""

        overtaken = False

        def lock(self, **more):
            if not self.overtaken:
                self.overtaken = True
                send_order(live, found.rollout, "abort", by="ann", why="complaints")
                await_rollout(live, found.rollout, until=lambda state: state.orders_done == 1, timeout=60)
            return super().lock(**more)

    with supervised(live):
        found = run(live, 2, quick)
        late = Overtaken(live.store, live.name)
        ended = say_last_word(late, found, promote=True)
    assert late.overtaken
    assert (ended.outcome, ended.reason) == ("rolled_back", "ann ordered to abort: complaints")
    assert [order.kind for order in read_rollout(live, found.rollout).orders] == ["abort"]


def test_a_persons_pause_that_came_first_only_delays_the_last_word(live, quick, supervised):
    with supervised(live):
        found = run(live, 2, quick)
    send_order(live, found.rollout, "pause", by="ann", why="to look at the figures")

    def resume_when_waited_for(line: str) -> None:
        if "is paused" in line:
            send_order(live, found.rollout, "resume", by="ann", why="the figures are fine")

    with supervised(live):
        ended = settle(live, found, True, by="test", why="all evidence", timeout_s=60, say=resume_when_waited_for)
    assert (ended.outcome, ended.passed) == ("promoted", True)
    assert [order.kind for order in read_rollout(live, found.rollout).orders] == ["pause", "resume", "promote"]


def test_the_end_of_a_failed_pipeline_comes_after_what_a_person_ordered_first(live, quick, supervised):
    with supervised(live):
        found = run(live, 2, quick)
    send_order(live, found.rollout, "pause", by="ann", why="to look")
    with supervised(live):
        ended = end_unfinished(live, begun_by="test", why="the pipeline failed", timeout_s=60)
    assert [state.outcome for state in ended.rollouts] == ["rolled_back"]
    assert [order.kind for order in read_rollout(live, found.rollout).orders] == ["pause", "abort"]
