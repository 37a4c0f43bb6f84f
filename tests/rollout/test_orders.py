"""What people order of a running rollout: done with who and why, or refused with one sentence."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import Conflict, InvalidInput
from tfx_rollout.rollout import Call, Expectation, Phase
from tfx_rollout.testing import Behaviour
from tfx_rollout.traffic import Split, Track


def running(world, plan, **changes):
    world.start(plan(**changes))
    world.run(lambda state: state.phase is Phase.RUNNING and state.windows >= 1)


def refused(world, kind, **more) -> str:
    with pytest.raises(Conflict) as caught:
        world.order(kind, **more)
    return str(caught.value)


def last_event(world):
    event = world.record.events[-1]
    return event["event"], event["by"], event["reason"]


# Pause and resume


def test_a_pause_holds_the_traffic_as_it_is_and_resume_goes_on(live, plan):
    running(live, plan)
    live.order("pause", why="lunch")
    paused = live.run(lambda state: state.phase is Phase.PAUSED)
    assert last_event(live) == ("pause", "ben", "ben ordered to pause: lunch")
    live.wait(400)
    assert live.state.phase is Phase.PAUSED
    assert live.state.windows > paused.windows
    assert live.base.desired().split == Split.of(0.1)
    live.order("resume", why="fed")
    live.run(lambda state: state.phase is Phase.RUNNING)
    assert last_event(live) == ("resume", "ben", "ben ordered to resume: fed")
    assert live.run().phase is Phase.HOLDING


def test_what_is_paused_is_watched_and_rolled_back_when_it_goes_bad(live, plan):
    running(live, plan)
    live.order("pause")
    live.run(lambda state: state.phase is Phase.PAUSED)
    live.canary(Behaviour(failures=0.5))
    assert live.run(lambda state: state.finished, most=60).outcome == "rolled_back"
    assert live.events[-2:] == ["regressed", "applied"]


def test_the_time_of_a_pause_counts_for_no_stage(live, plan):
    """A stage that may take 60 s and can never pass is inconclusive after 60 s of its own, however long the pause."""
    running(live, plan, min_requests=1_000_000, every_stage={"max_seconds": 60, "on_inconclusive": "rollback"})
    live.order("pause")
    began = live.run(lambda state: state.phase is Phase.PAUSED).judge.opened_at
    live.wait(500)
    verdicts = live.record.verdicts
    assert all(verdict.call is not Call.INCONCLUSIVE for verdict in verdicts.values())
    live.order("resume")
    resumed = live.run(lambda state: state.phase is Phase.RUNNING)
    assert resumed.judge.opened_at - began == pytest.approx(500, abs=8)
    final = live.run(lambda state: state.finished)
    assert final.outcome == "rolled_back"
    running_for = final.finished_at - final.judge.opened_at
    assert 60 <= running_for <= 60 + 5 + 2 + 3


def test_the_time_of_a_pause_counts_for_no_deadline(live, plan):
    live.start(plan(promotion_deadline_seconds=100))
    held = live.run()
    live.wait(50)
    live.order("pause")
    live.run(lambda state: state.phase is Phase.PAUSED)
    live.wait(300)
    live.order("resume")
    live.run(lambda state: state.phase is Phase.HOLDING)
    final = live.run(lambda state: state.finished)
    assert final.outcome == "rolled_back"
    assert final.finished_at - held.phase_since == pytest.approx(100 + 300, abs=10)


def test_a_pause_before_a_stage_is_in_force_delays_nothing_of_it(live, plan):
    live.start(plan())
    live.run(lambda state: state.phase is Phase.RUNNING)
    live.order("pause")
    live.run(lambda state: state.phase is Phase.PAUSED)
    live.tick()
    live.order("resume")
    assert live.run().phase is Phase.HOLDING


# Skip and promote now


def test_skip_goes_to_the_next_stage_and_records_who_and_why(live, plan):
    running(live, plan, min_requests=1_000_000)
    live.order("skip", why="seen enough in the shadow")
    live.run(lambda state: state.stage == 1)
    assert last_event(live) == ("skip", "ben", "ben ordered to skip: seen enough in the shadow")
    assert live.base.desired().split == Split.of(0.5)
    assert "stage 2 is the last one; order to promote, if version 2 shall be live now" in refused(live, "skip")


def test_a_paused_rollout_that_skips_runs_again(live, plan):
    running(live, plan)
    live.order("pause")
    live.run(lambda state: state.phase is Phase.PAUSED)
    live.order("skip")
    state = live.run(lambda state: state.stage == 1)
    assert (state.phase, state.interrupted) == (Phase.RUNNING, None)
    assert live.run().phase is Phase.HOLDING


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.PAUSED, Phase.AWAITING_APPROVAL])
def test_a_person_may_promote_at_once(live, plan, phase):
    running(live, plan, every_stage={"approval": phase is Phase.AWAITING_APPROVAL})
    if phase is Phase.PAUSED:
        live.order("pause")
    live.run(lambda state: state.phase is phase)
    live.order("promote", why="the old one burns")
    state = live.run(lambda state: state.finished)
    assert state.outcome == "promoted"
    assert ("promote", "ben", "ben ordered to promote: the old one burns") in [
        (event["event"], event["by"], event["reason"]) for event in live.record.events
    ]
    assert live.serving.answers(Track.STABLE) == 2


def test_who_promotes_what_has_passed_does_not_promote_what_has_not(live, plan):
    """BlessingCheck names what it has judged; its word is for a rollout that holds."""
    running(live, plan)
    sentence = refused(live, "promote", expect=Expectation.of(live.state))
    assert sentence.startswith("The order to promote is refused: it was meant for a rollout that holds, rollout ")
    assert sentence.endswith("is in stage 1 of its plan.")


# Refusals


def test_orders_that_do_not_fit_are_refused_with_one_sentence(live, plan):
    live.start(plan())
    for kind in ("pause", "resume", "skip", "promote", "approve"):
        assert refused(live, kind) == f"The order to {kind} is refused: rollout {live.state.id} is submitted."
    live.run(lambda state: state.phase is Phase.RUNNING and state.windows >= 1)
    live.order("pause")
    live.run(lambda state: state.phase is Phase.PAUSED)
    assert refused(live, "pause").endswith(f"rollout {live.state.id} is paused.")
    assert refused(live, "approve").endswith("is paused.")
    live.order("abort")
    live.run(lambda state: state.finished)
    for kind in ("pause", "resume", "skip", "promote", "approve", "rollback", "abort"):
        assert refused(live, kind).endswith("is rolled back.")


def test_only_a_rollback_can_be_ordered_at_once(live, plan):
    live.start(plan())
    with pytest.raises(InvalidInput, match="Only a rollback can be ordered at once, not to abort"):
        live.order("abort", now=True)


@pytest.mark.parametrize("on_running", ["refuse", "queue", "supersede"])
def test_a_newer_version_finds_a_paused_rollout_as_it_finds_a_running_one(live, plan, on_running):
    from tfx_rollout.errors import RolloutInProgress

    running(live, plan)
    live.order("pause")
    first = live.run(lambda state: state.phase is Phase.PAUSED).id
    if on_running == "refuse":
        with pytest.raises(RolloutInProgress):
            live.start(plan(), version=3)
        return
    live.start(plan(on_running=on_running), version=3)
    live.wait(30)
    phases = {state.id: state.phase for state in live.states}
    assert phases[first] is (Phase.PAUSED if on_running == "queue" else Phase.ROLLED_BACK)
    assert (live.state.phase is Phase.QUEUED) == (on_running == "queue")


# Questions


DRIFTED = {
    "predictions": {"weight": 1.0, "action": "ask"},
    "min_requests": 100,
    "every_stage": {"max_seconds": 3000},
    "promotion_deadline_seconds": 10_000,
}
STABLE = Behaviour(classes={"cat": 0.9, "dog": 0.1})
DRIFTING = Behaviour(classes={"cat": 0.4, "dog": 0.6})


def drifting(world, plan, **changes):
    world.evidence.behaviours.update({Track.STABLE: STABLE, Track.CANARY: DRIFTING})
    world.start(plan(**{**DRIFTED, **changes}))
    return world.run(lambda state: state.phase is Phase.AWAITING_APPROVAL)


def test_drift_asks_a_person_and_an_approval_goes_on_without_asking_again(live, plan):
    asked = drifting(live, plan)
    assert (asked.stage, asked.asked, asked.verdict.call) == (0, ("predictions",), Call.ASK)
    live.wait(20)
    assert live.events.count("ask") == 1
    live.order("approve", why="the cats are gone for good")
    live.run(lambda state: state.phase is Phase.RUNNING)
    assert last_event(live) == ("resume", "ben", "ben ordered to approve: the cats are gone for good")
    assert live.run().phase is Phase.HOLDING
    assert live.events.count("ask") == 1


def test_a_regression_while_drift_is_asked_about_is_rolled_back(live, plan):
    drifting(live, plan)
    live.canary(Behaviour(failures=0.5, classes=DRIFTING.classes))
    assert live.run(lambda state: state.finished).outcome == "rolled_back"


def test_the_time_in_which_a_question_waits_counts_for_no_stage(live, plan):
    opened = drifting(live, plan).judge.opened_at
    live.wait(300)
    live.order("approve")
    state = live.run(lambda state: state.phase is Phase.RUNNING)
    assert state.judge.opened_at - opened == pytest.approx(300, abs=8)


def test_drift_while_holding_asks_and_an_approval_goes_on_holding_until_the_same_deadline(live, plan):
    live.evidence.behaviours.update({Track.STABLE: STABLE, Track.CANARY: STABLE})
    live.start(plan(**{**DRIFTED, "promotion_deadline_seconds": 400}))
    held = live.run()
    assert held.phase is Phase.HOLDING
    live.canary(DRIFTING)
    live.run(lambda state: state.phase is Phase.AWAITING_APPROVAL)
    live.wait(600)
    live.order("approve")
    live.run(lambda state: state.phase is Phase.HOLDING)
    final = live.run(lambda state: state.finished)
    assert final.outcome == "rolled_back"
    assert final.finished_at - held.phase_since == pytest.approx(400 + 600, abs=10)


def test_a_question_that_comes_while_an_approval_is_awaited_is_accepted_with_it(live, plan):
    live.evidence.behaviours.update({Track.STABLE: STABLE, Track.CANARY: STABLE})
    live.start(plan(**{**DRIFTED, "every_stage": {"approval": True}}))
    live.run(lambda state: state.phase is Phase.AWAITING_APPROVAL)
    live.canary(DRIFTING)
    asked = live.run(lambda state: bool(state.asked))
    assert (asked.phase, asked.interrupted) == (Phase.AWAITING_APPROVAL, None)
    live.order("approve")
    live.run(lambda state: state.stage == 1)
    live.run(lambda state: state.phase is Phase.AWAITING_APPROVAL)
    assert live.state.asked == ()
    assert live.events.count("ask") == 3


def test_drift_rolls_back_where_the_plan_says_so(live, plan):
    live.evidence.behaviours.update({Track.STABLE: STABLE, Track.CANARY: DRIFTING})
    live.start(plan(**{**DRIFTED, "predictions": {"weight": 1.0, "action": "rollback"}}))
    assert live.run().outcome == "rolled_back"
