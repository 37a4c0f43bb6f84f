"""Whole rollouts in the simulated world: what is decided, why, and what is desired then."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tfx_rollout.evidence import TrackCounts
from tfx_rollout.rollout import Call, Phase, RolloutController, build_report, read_rollout, send_order, start_rollout
from tfx_rollout.testing import Behaviour, Delays
from tfx_rollout.traffic import Cause, DesiredState, Label, Split, Track


def start(world, plan, version=2):
    return start_rollout(world.base, version, plan, by="ann", why="a new version")


def events(world):
    return [event["event"] for event in read_rollout(world.base, world.state.id).events]


def test_a_good_candidate_goes_through_its_stages_and_holds_for_the_blessing(live, plan):
    start(live, plan())
    state = live.run()
    assert state.phase is Phase.HOLDING
    assert events(live) == ["begin", "ready", "stage_in_force", "advance", "stage_in_force", "passed"]
    assert live.base.desired().split == Split.of(0.5)
    assert state.passed
    assert not state.finished


def test_a_promoted_candidate_is_stable_with_the_old_version_kept_for_return(live, plan):
    rollout = start(live, plan())
    live.run()
    send_order(live.base, rollout, "promote", by="blessing", why="all evidence is good")
    state = live.run(lambda state: state.finished)
    assert (state.phase, state.outcome) == (Phase.PROMOTED, "promoted")
    desired = live.base.desired()
    assert (desired.labels, desired.split) == ({Label.PREVIOUS: 1, Label.STABLE: 2}, Split())
    assert desired.cause.rollout == rollout
    assert live.serving.answers(Track.STABLE) == 2


def test_automatic_promotion_asks_nobody_and_may_keep_nothing(live, plan):
    start(live, plan(promotion="automatic", keep_previous=False))
    assert live.run(lambda state: state.finished).outcome == "promoted"
    assert live.base.desired().versions == (2,)


def test_a_harmful_candidate_is_rolled_back_with_the_reason_and_stable_is_as_before(live, plan):
    before = live.base.desired()
    live.canary(Behaviour(failures=0.2))
    start(live, plan())
    state = live.run()
    assert state.outcome == "rolled_back"
    assert "The canary failed" in state.reason
    assert state.verdict.call is Call.ROLLBACK
    assert state.verdict.e_value >= state.verdict.threshold
    after = live.base.desired()
    assert after == before.change(generation=after.generation, cause=after.cause)
    assert live.serving.servers.keys() == {"m"}


@pytest.mark.parametrize("promote", [True, False])
def test_a_pinned_version_that_does_not_load_keeps_no_rollout_from_its_end(live, plan, promote):
    live.serving.servers["m"].broken = {3}
    now = live.base.desired()
    live.base.write_desired(now.change(versions=(*now.versions, 3), pinned=(3,)), expected=now.generation)
    if not promote:
        live.canary(Behaviour(failures=0.2))
    start(live, plan(promotion="automatic"))
    assert live.run(lambda state: state.finished).outcome == ("promoted" if promote else "rolled_back")
    assert live.serving.answers(Track.STABLE) == (2 if promote else 1)
    assert live.base.desired().pinned == (3,)


@pytest.mark.parametrize("promote", [True, False])
def test_a_version_that_is_pinned_during_a_rollout_is_held_by_all_that_follows(live, plan, promote):
    start(live, plan(promotion="automatic"))
    live.run(lambda state: state.phase is Phase.RUNNING)
    now = live.base.desired()
    cause = Cause("ben", "to compare it", 1.0)
    live.base.write_desired(
        now.change(versions=(*now.versions, 3), pinned=(3,), aliases={"next": 3}, cause=cause), expected=now.generation
    )
    live.run(lambda state: state.wanted.pinned == (3,))
    assert "held" in events(live)
    if not promote:
        live.canary(Behaviour(failures=0.2))
    assert live.run(lambda state: state.finished).outcome == ("promoted" if promote else "rolled_back")
    after = live.base.desired()
    assert (after.pinned, after.aliases, after.versions) == ((3,), {"next": 3}, (1, 2, 3) if promote else (1, 3))
    assert live.serving.servers["m"].answers("next") == 3


@pytest.mark.parametrize(("failures", "outcome", "answers"), [(0.0, "promoted", 2), (0.2, "rolled_back", 1)])
def test_a_version_that_is_pinned_during_a_rollout_and_does_not_load_keeps_it_from_nothing(
    live, plan, failures, outcome, answers
):
    start(live, plan(promotion="automatic"))
    live.run(lambda state: state.phase is Phase.RUNNING)
    live.serving.broken = {3}
    for server in live.serving.servers.values():
        server.broken = {3}
    now = live.base.desired()
    live.base.write_desired(now.change(versions=(*now.versions, 3), pinned=(3,)), expected=now.generation)
    live.canary(Behaviour(failures=failures))
    assert live.run(lambda state: state.finished).outcome == outcome
    assert live.serving.answers(Track.STABLE) == answers
    assert live.base.desired().pinned == (3,)
    assert "version 3 does not load" in str(live.base.observed().fault)


def test_a_first_version_goes_live_without_a_canary_and_says_so(world, plan):
    rollout = start(world, plan(), version=1)
    state = world.run()
    assert state.phase is Phase.HOLDING
    assert state.reason == "Version 1 is live as the first version, without a canary."
    assert world.serving.answers(Track.STABLE) == 1
    document = build_report(read_rollout(world.base, rollout))
    assert (document["outcome"], document["passed"], document["stable"]) == ("first_version", True, None)
    send_order(world.base, rollout, "promote", by="blessing", why="blessed")
    state = world.run(lambda state: state.finished)
    assert (state.phase, state.outcome) == (Phase.PROMOTED, "first_version")
    assert world.base.desired().labels == {Label.STABLE: 1}


@pytest.mark.parametrize("ordered", [True, False])
def test_a_first_version_that_is_not_blessed_goes_offline_again(world, plan, ordered):
    rollout = start(world, plan(), version=1)
    world.run()
    if ordered:
        send_order(world.base, rollout, "rollback", by="blessing", why="not blessed")
    assert world.run(lambda state: state.finished).outcome == "rolled_back"
    assert world.base.desired().versions == ()
    assert world.serving.servers == {}


def test_a_first_version_with_automatic_promotion_is_done_at_once(world, plan):
    start(world, plan(promotion="automatic"), version=1)
    assert world.run(lambda state: state.finished).outcome == "first_version"


def test_a_version_that_does_not_load_is_rolled_back_and_never_had_traffic(live, plan):
    live.serving.broken = {2}
    start(live, plan())
    state = live.run()
    assert state.outcome == "rolled_back"
    assert state.reason == "The candidate cannot be served: version 2 does not load on m~canary: the file is no SavedModel."
    assert state.windows == 0
    assert all(split == Split() for _, split in live.serving.splits)


def test_a_first_version_that_does_not_load_leaves_nothing_behind(world, plan):
    world.serving.broken = {1}
    start(world, plan(), version=1)
    assert world.run().outcome == "rolled_back"
    assert world.base.desired().labels == {}


def test_a_version_that_vanished_before_its_turn_fails_the_rollout_and_changes_nothing(live, plan):
    start(live, plan())
    live.base.remove_version(2)
    state = live.run()
    assert (state.outcome, state.reason) == ("failed", "Version 2 is not in the base path any more.")
    assert live.base.desired().generation == 1


@pytest.mark.parametrize(("on_deadline", "outcome"), [("rollback", "rolled_back"), ("promote", "promoted")])
def test_what_nobody_promotes_is_decided_by_the_deadline(live, plan, on_deadline, outcome):
    start(live, plan(on_deadline=on_deadline))
    held = live.run()
    final = live.run(lambda state: state.finished)
    assert final.outcome == outcome
    assert any("Nobody promoted it within 200 s" in event["reason"] for event in read_rollout(live.base, final.id).events)
    assert 200 <= final.finished_at - held.phase_since <= 205


def test_what_holds_is_watched_and_rolled_back_when_it_goes_bad(live, plan):
    start(live, plan(promotion_deadline_seconds=10_000))
    assert live.run().phase is Phase.HOLDING
    live.canary(Behaviour(failures=0.5))
    state = live.run(lambda state: state.finished, most=120)
    assert state.outcome == "rolled_back"
    assert events(live)[-2:] == ["regressed", "applied"]


def test_a_stage_that_needs_approval_waits_for_it_and_goes_on(live, plan):
    rollout = start(live, plan(every_stage={"approval": True}))
    for stage in (0, 1):
        state = live.run(lambda state, stage=stage: state.phase is Phase.AWAITING_APPROVAL and state.stage == stage)
        for _ in range(30):
            live.tick()
        assert live.state.phase is Phase.AWAITING_APPROVAL
        assert live.state.windows > state.windows
        send_order(live.base, rollout, "approve", by="ben", why=f"stage {stage + 1} looks good")
    assert live.run().phase is Phase.HOLDING
    assert [event["by"] for event in read_rollout(live.base, rollout).events if event["reason"].startswith("ben")] == [
        "ben",
        "ben",
    ]


def test_a_regression_while_waiting_for_approval_is_rolled_back_at_once(live, plan):
    start(live, plan(every_stage={"approval": True}))
    live.run(lambda state: state.phase is Phase.AWAITING_APPROVAL)
    live.canary(Behaviour(failures=0.5))
    assert live.run(lambda state: state.finished, most=120).outcome == "rolled_back"


def test_with_promotion_by_approval_the_approval_promotes(live, plan):
    rollout = start(live, plan(promotion="approval"))
    assert live.run().phase is Phase.HOLDING
    send_order(live.base, rollout, "approve", by="ann", why="I looked at it")
    assert live.run(lambda state: state.finished).outcome == "promoted"


def undecided(plan, policy):
    """A plan that can never decide: it asks for more requests than there will be."""
    return plan(min_requests=1_000_000, every_stage={"max_seconds": 30, "on_inconclusive": policy})


def test_an_inconclusive_stage_holds_on(live, plan):
    start(live, undecided(plan, "hold"))
    live.run(lambda state: state.verdict is not None and state.verdict.call is Call.INCONCLUSIVE)
    for _ in range(50):
        live.tick()
    assert live.state.phase is Phase.RUNNING


def test_an_inconclusive_stage_is_rolled_back_where_the_plan_says_so(live, plan):
    start(live, undecided(plan, "rollback"))
    state = live.run()
    assert state.outcome == "rolled_back"
    assert state.reason.endswith("The plan rolls back then.")


def test_an_inconclusive_stage_asks_a_person_where_the_plan_says_so(live, plan):
    rollout = start(live, undecided(plan, "ask"))
    state = live.run(lambda state: state.phase is Phase.AWAITING_APPROVAL)
    assert state.reason.endswith("The plan asks a person then.")
    send_order(live.base, rollout, "approve", by="ann", why="go on")
    assert live.run(lambda state: state.stage == 1).phase is Phase.RUNNING


def test_an_inconclusive_stage_does_not_go_on_with_too_few_requests(live, plan):
    start(live, undecided(plan, "advance"))
    for _ in range(100):
        live.tick()
    assert (live.state.phase, live.state.stage) == (Phase.RUNNING, 0)


def test_an_inconclusive_stage_goes_on_where_the_plan_says_so_and_nothing_speaks_against_it(live, plan):
    start(live, plan(min_windows=10_000, every_stage={"max_seconds": 60, "on_inconclusive": "advance"}))
    assert live.run().phase is Phase.HOLDING


@pytest.mark.parametrize("kind", ["abort", "rollback"])
def test_a_person_can_stop_a_rollout_at_any_time(live, plan, kind):
    rollout = start(live, plan())
    live.run(lambda state: state.windows >= 2)
    send_order(live.base, rollout, kind, by="ann", why="a bad feeling")
    state = live.run()
    assert (state.outcome, state.reason) == ("rolled_back", f"ann ordered to {kind}: a bad feeling")
    assert live.base.desired().cause.by == "ann"


def test_a_promotion_that_cannot_be_carried_out_goes_back(live, plan):
    start(live, plan(promotion="automatic"))
    live.run(lambda state: state.stage == 1)
    live.serving.servers["m"].broken = {2}
    state = live.run()
    assert state.outcome == "rolled_back"
    assert "version 2 does not load on m:" in state.reason
    assert live.serving.answers(Track.STABLE) == 1


def test_another_change_of_the_desired_state_ends_the_rollout_and_stays(live, plan):
    start(live, plan())
    live.run(lambda state: state.windows >= 2)
    desired = live.base.desired()
    other = DesiredState("m", versions=(3,), labels={Label.STABLE: 3}, cause=Cause("ben", "an emergency"))
    live.base.write_desired(other, expected=desired.generation)
    state = live.run()
    assert state.outcome == "failed"
    assert state.reason == "ben has changed the desired state (an emergency), so the rollout ends here."
    assert live.base.desired().labels == {Label.STABLE: 3}


def test_windows_are_numbered_once_and_lie_in_times_of_one_split(live, plan):
    rollout = start(live, plan(promotion="automatic"))
    live.run(lambda state: state.finished)
    windows = read_rollout(live.base, rollout).windows
    assert [window.number for window in windows] == list(range(1, len(windows) + 1))
    changes = [at for at, _ in live.serving.splits]
    for window in windows:
        assert live.serving.split_at(window.start) == window.split
        assert not any(window.start < at < window.end for at in changes)
    for one, next_one in pairwise(windows):
        assert one.end == next_one.start


def test_the_time_between_a_decision_and_the_new_split_is_judged_too(live, plan):
    rollout = start(live, plan())
    live.run()
    windows = read_rollout(live.base, rollout).windows
    last_of_first = max(window.number for window in windows if window.split == Split.of(0.1))
    assert windows[last_of_first - 1].closed_by == "split"
    assert windows[last_of_first].start == windows[last_of_first - 1].end


def test_a_canary_that_restarts_cuts_the_window_and_a_new_one_starts_when_it_is_back(live, plan):
    start(live, plan())
    live.run(lambda state: state.windows >= 2)
    live.clock.advance(1.0)
    live.serving.delays = live.serving.servers["m~canary"].delays = Delays(start=1)
    live.serving.servers["m~canary"].crash()
    live.serving.step(live.base.desired())
    live.serving.tick()
    live.base.write_observed(live.serving.observed())
    died = live.clock.now()
    for _ in range(5):
        live.controller.tick()
        live.clock.advance(1.0)
    back = live.clock.now()
    state = live.run()
    assert state.phase is Phase.HOLDING
    windows = read_rollout(live.base, state.id).windows
    cut = next(window for window in windows if window.closed_by == "split" and window.end == died)
    assert cut.split == Split.of(0.1)
    assert windows[cut.number].start == back
    assert windows[cut.number].split == Split.of(0.1)


def test_a_canary_whose_server_dies_again_and_again_is_rolled_back(live, plan):
    start(live, plan())
    live.run(lambda state: state.windows >= 1)
    for _ in range(3):
        live.serving.servers["m~canary"].crash()
    state = live.run()
    assert state.outcome == "rolled_back"
    assert "the model server m~canary, which serves version 2 alone, has died 3 times" in state.reason


def test_a_gap_in_the_evidence_voids_its_window_and_nothing_else(live, plan):
    rollout = start(live, plan())
    live.run(lambda state: state.windows >= 1)
    now = live.clock.now()
    live.evidence.gaps.append((now, now + 1.0))
    assert live.run().phase is Phase.HOLDING
    windows = read_rollout(live.base, rollout).windows
    assert [window.closed_by for window in windows if window.void] == ["gap"]
    assert sum(window.void for window in windows) == 1


def test_a_long_time_without_a_gateway_is_one_void_window(live, plan):
    rollout = start(live, plan())
    live.run(lambda state: state.windows >= 1)
    down = live.clock.now()
    live.clock.advance(3600.0)
    live.serving.split, live.serving.routes = None, {}
    live.evidence.gaps.append((down, live.clock.now()))
    live.controller = RolloutController(live.base, live.evidence, live.clock)
    assert live.run().phase is Phase.HOLDING
    void = [window for window in read_rollout(live.base, rollout).windows if window.void]
    assert len(void) == 1
    assert void[0].end - void[0].start > 3590


def test_a_fault_that_passes_within_seconds_is_none(live, plan):
    start(live, plan())
    live.run(lambda state: state.phase is Phase.RUNNING)
    for _ in range(3):
        live.serving.servers["m~canary"].restarts += 1
        live.tick()
        live.tick()
        live.serving.servers["m~canary"].restarts = 0
        live.tick()
    assert live.run().phase is Phase.HOLDING


def test_nothing_is_judged_without_traffic(live, plan):
    live.evidence.rate = 0.0
    start(live, plan())
    for _ in range(60):
        live.tick()
    assert live.state.phase is Phase.RUNNING
    assert live.state.windows > 5
    assert all(window.counts(Track.CANARY) == TrackCounts() for window in read_rollout(live.base, live.state.id).windows)


def test_a_controller_without_a_rollout_does_nothing(live):
    generation = live.base.desired().generation
    live.controller.tick()
    assert live.base.desired().generation == generation
