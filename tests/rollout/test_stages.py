"""Stages of every kind in the simulated world: what traffic they have, what ends them."""

from __future__ import annotations

import pytest

from tfx_rollout.rollout import Phase
from tfx_rollout.testing import Behaviour
from tfx_rollout.traffic import Split, Sticky, Track

SHADOW = {"kind": "shadow", "mirror": 0.5, "min_seconds": 10, "max_seconds": 300}
HEADER = {"kind": "header", "min_seconds": 15}
BAKE = {"kind": "bake", "min_seconds": 40}


def stages_in_force(world):
    return [event["reason"] for event in world.record.events if event["event"] == "stage_in_force"]


def test_a_rollout_goes_through_stages_of_every_kind(live, plan):
    live.start(plan(first=[SHADOW, HEADER], last=[BAKE]))
    assert live.run().phase is Phase.HOLDING
    assert stages_in_force(live) == [
        "Stage 1 is in force: copies of 50 % of the requests.",
        "Stage 2 is in force: those who ask for it by header.",
        "Stage 3 is in force: 10 % of the traffic.",
        "Stage 4 is in force: 50 % of the traffic.",
        "Stage 5 is in force: 95 % of the traffic.",
    ]
    assert [split for _, split in live.serving.splits if split.canary] == [Split(1000), Split(5000), Split(9500)]
    assert {units for _, units in live.serving.mirrors} == {5000, 0}
    desired = live.base.desired()
    assert (desired.split, desired.mirror) == (Split(9500), 0)


def test_in_a_shadow_stage_no_client_sees_the_candidate_and_a_bad_one_is_found_all_the_same(live, plan):
    live.canary(Behaviour(failures=0.3))
    live.start(plan(first=[SHADOW]))
    state = live.run()
    assert (state.outcome, state.stage) == ("rolled_back", 0)
    assert all(split == Split() for _, split in live.serving.splits)
    assert live.record.windows[-1].counts(Track.SHADOW).failures > 0
    assert live.serving.mirrors[-1][1] == 0


def test_a_header_stage_passes_with_time_and_without_any_request(live, plan):
    live.start(plan(first=[HEADER]))
    state = live.run(lambda state: state.stage == 1)
    (began,) = [event["at"] for event in live.record.events if event["event"] == "stage_in_force"]
    assert 15 <= state.stage_since - began <= 15 + 5 + 2 + 3
    assert live.record.windows[0].counts(Track.CANARY).requests == 0


@pytest.mark.parametrize("kind", ["header", "shadow"])
def test_two_stages_with_the_same_traffic_are_told_apart_by_time(live, plan, kind):
    stage = {"header": HEADER, "shadow": SHADOW}[kind]
    live.start(plan(first=[stage, stage]))
    live.run(lambda state: state.stage == 2)
    first, second = [event["at"] for event in live.record.events if event["event"] == "stage_in_force"][:2]
    cut = [window for window in live.record.windows if window.closed_by == "split"]
    assert len(cut) >= 1
    assert first < cut[0].end <= second
    assert live.run().phase is Phase.HOLDING


def test_while_it_bakes_the_old_version_keeps_a_rest_and_what_goes_bad_is_rolled_back(live, plan):
    live.start(plan(last=[BAKE]))
    live.run(lambda state: state.stage == 2)
    live.canary(Behaviour(failures=0.3))
    state = live.run()
    assert (state.outcome, state.stage) == ("rolled_back", 2)
    assert live.serving.answers(Track.STABLE) == 1


def test_users_are_assigned_by_their_header_with_a_salt_of_the_rollout_and_never_after_it(live, plan):
    rollout = live.start(plan(unit="user", unit_header="x-user", promotion="automatic"))
    seen = []
    live.run(lambda state: seen.append((state.phase, live.base.desired().sticky)) or state.finished)
    sticky = Sticky("x-user", rollout)
    assert {found for phase, found in seen if phase in (Phase.LOADING, Phase.RUNNING)} == {sticky}
    assert {found for phase, found in seen if phase in (Phase.SUBMITTED, Phase.PROMOTING, Phase.PROMOTED)} == {None}


def test_an_approval_can_be_asked_after_any_kind_of_stage(live, plan):
    live.start(plan(first=[{**SHADOW, "approval": True}]))
    live.run(lambda state: state.phase is Phase.AWAITING_APPROVAL)
    live.order("approve")
    assert live.run().phase is Phase.HOLDING
