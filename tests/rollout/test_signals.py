"""How observations become events: what counts as ready, as a fault, as back."""

from __future__ import annotations

import pytest

from tfx_rollout.rollout import Call, Event, Phase, RolloutState, Verdict, begin, signals
from tfx_rollout.traffic import (
    DesiredState,
    Label,
    ObservedState,
    Route,
    ServerObservation,
    Split,
    Track,
    VersionState,
    canary_server,
)

BEFORE = DesiredState("m", 1, (1,), {Label.STABLE: 1})
WANTED = DesiredState("m", 2, (1, 2), {Label.STABLE: 1, Label.CANARY: 2})
ROUTES = {Track.STABLE: Route("m", Label.STABLE), Track.CANARY: Route(canary_server("m"), Label.CANARY)}
PRIMARY = ServerObservation("m", True, 1, 1, 2, 0, (1,), {Label.STABLE: 1}, {1: VersionState.AVAILABLE}, {Label.STABLE: 1})


def canary(**changes) -> ServerObservation:
    found = {
        "ready": True,
        "configured_versions": (2,),
        "configured_labels": {Label.CANARY: 2},
        "versions": {2: VersionState.AVAILABLE},
        "labels": {Label.CANARY: 2},
    }
    return ServerObservation(canary_server("m"), **{**found, **changes})


def observed(*servers, generation=1, **changes) -> ObservedState:
    return ObservedState("m", generation, servers, **{"split": Split(), "routes": ROUTES, **changes})


@pytest.fixture
def state(plan):
    def build(phase, **changes):
        state = RolloutState("r", "m", 2, "d", "quick", begin(plan()), "ann", "why", 0.0, phase=phase)
        return state.change(**{"before": BEFORE, "wanted": WANTED, "generation": 2, **changes})

    return build


def of_serving(plan, state, seen):
    signal = signals.of_serving(plan(), state, seen)
    return None if signal is None else signal.event


def test_a_candidate_is_ready_when_it_is_loaded_labelled_and_routed_though_something_else_is_not_applied(plan, state):
    loading = state(Phase.LOADING)
    assert of_serving(plan, loading, observed(PRIMARY, canary(), fault="the previous version does not load")) is Event.READY
    assert of_serving(plan, loading, observed(PRIMARY, canary(labels={}))) is None
    assert of_serving(plan, loading, observed(PRIMARY, canary(versions={2: VersionState.LOADING}))) is None
    assert of_serving(plan, loading, observed(PRIMARY, canary(), routes={Track.STABLE: ROUTES[Track.STABLE]})) is None


def test_promotion_and_rollback_end_when_the_wanted_generation_is_applied(plan, state):
    for phase in (Phase.PROMOTING, Phase.ROLLING_BACK):
        assert of_serving(plan, state(phase), observed(PRIMARY, generation=1)) is None
        assert of_serving(plan, state(phase), observed(PRIMARY, generation=2)) is Event.APPLIED


def test_a_rollback_is_over_when_the_traffic_is_back_though_something_else_cannot_be_had(plan, state):
    back = {"routes": {Track.STABLE: ROUTES[Track.STABLE]}, "fault": "the previous version does not load"}
    rolling_back = state(Phase.ROLLING_BACK)
    assert of_serving(plan, rolling_back, observed(PRIMARY, **back)) is Event.APPLIED
    assert of_serving(plan, rolling_back, observed(PRIMARY, **back, split=Split(1))) is None


def test_what_people_have_pinned_since_is_not_waited_for(plan, state):
    pinned = {"wanted": WANTED.change(generation=3, versions=(1, 2, 3), pinned=(3,))}
    back = observed(PRIMARY, generation=2, routes={Track.STABLE: ROUTES[Track.STABLE]})
    assert of_serving(plan, state(Phase.ROLLING_BACK, **pinned), back) is Event.APPLIED
    assert of_serving(plan, state(Phase.ROLLING_BACK, **pinned), observed(PRIMARY, generation=2)) is None
    assert of_serving(plan, state(Phase.PROMOTING, **pinned), back) is None, "version 2 is not live yet"
    ready = ServerObservation("m", True, 1, 1, 2, 0, (1, 2), {Label.STABLE: 2}, {2: VersionState.AVAILABLE}, {Label.STABLE: 2})
    live = observed(ready, generation=2, routes={Track.STABLE: ROUTES[Track.STABLE]})
    assert of_serving(plan, state(Phase.PROMOTING, **pinned), live) is Event.APPLIED
    assert of_serving(plan, state(Phase.ROLLING_BACK, **pinned), live) is None, "version 1 is not live again yet"
    assert of_serving(plan, state(Phase.PROMOTING, generation=3, **pinned), live) is None, "it was asked for with the traffic"


def test_a_load_error_is_a_fault_of_the_candidate_only_where_it_is_the_candidate_that_is_configured(state):
    ended = {"versions": {2: VersionState.END}, "labels": {}, "errors": {2: "no graph"}}
    loading = state(Phase.LOADING)
    fault = signals.serving_fault(loading, observed(PRIMARY, canary(**ended)))
    assert fault == "version 2 does not load on m~canary: no graph"
    assert signals.serving_fault(loading, observed(PRIMARY, canary(**ended, configured_versions=(3,)))) is None
    other = ServerObservation("m", True, versions={1: VersionState.END}, configured_versions=(1,), errors={1: "lost"})
    assert signals.serving_fault(loading, observed(other, canary())) is None


def test_a_canary_whose_server_dies_repeatedly_cannot_be_served(state):
    assert signals.serving_fault(state(Phase.RUNNING), observed(PRIMARY, canary(restarts=2))) is None
    assert "has died 3 times" in signals.serving_fault(state(Phase.RUNNING), observed(PRIMARY, canary(restarts=3)))
    assert signals.serving_fault(state(Phase.PROMOTING), observed(PRIMARY, canary(restarts=3))) is None


@pytest.mark.parametrize("phase", [Phase.PROMOTING, Phase.GOING_LIVE])
def test_a_primary_that_dies_of_loading_the_candidate_is_a_fault_and_earlier_deaths_are_not(state, phase):
    dead = ServerObservation("m", False, restarts=7)
    assert signals.serving_fault(state(phase, primary_restarts=6), observed(dead)) is None
    assert "has died 2 times since" in signals.serving_fault(state(phase, primary_restarts=5), observed(dead))
    assert signals.serving_fault(state(Phase.RUNNING, primary_restarts=0), observed(dead)) is None


def test_in_the_shared_topology_the_primary_is_where_the_candidate_runs(state):
    dead = ServerObservation("m", False, restarts=2)
    shared = state(Phase.RUNNING, wanted=WANTED.change(topology="shared"))
    assert "has died 2 times since" in signals.serving_fault(shared, observed(dead))


def test_what_is_not_in_force_after_a_quarter_of_an_hour_cannot_be_served(plan, state):
    for phase in (Phase.LOADING, Phase.GOING_LIVE, Phase.PROMOTING):
        waiting = state(phase, phase_since=100.0)
        assert signals.of_time(plan(), waiting, 100.0 + signals.LOADING_SECONDS - 1) is None
        assert signals.of_time(plan(), waiting, 100.0 + signals.LOADING_SECONDS).event is Event.UNSERVABLE


def test_a_first_version_has_no_canary_to_watch(state):
    assert signals.is_watched(state(Phase.HOLDING))
    assert not signals.is_watched(state(Phase.HOLDING, before=DesiredState("m")))
    assert not signals.is_watched(state(Phase.PROMOTING))


def test_a_stage_is_in_force_when_the_gateway_has_its_split_and_its_copies_and_the_candidate_answers(state):
    shadow = {**ROUTES, Track.SHADOW: ROUTES[Track.CANARY]}
    copying = state(Phase.RUNNING, wanted=WANTED.change(mirror=100))
    assert signals.in_force(copying, observed(PRIMARY, canary(), routes=shadow))
    assert not signals.in_force(copying, observed(PRIMARY, canary()))
    plain = state(Phase.RUNNING)
    assert signals.in_force(plain, observed(PRIMARY, canary()))
    assert not signals.in_force(plain, observed(PRIMARY, canary(), routes=shadow))
    assert not signals.in_force(plain, observed(PRIMARY, canary(), split=Split(1)))
    assert not signals.in_force(plain, observed(PRIMARY, canary(labels={})))


def test_the_way_back_has_steps_only_where_the_plan_has_a_lower_share_and_the_phase_knows_them(plan, state):
    half, stepwise = WANTED.change(split=Split(5000)), plan(step_back={"shares": [0.2]})
    for phase in (Phase.RUNNING, Phase.AWAITING_APPROVAL, Phase.PAUSED, Phase.HOLDING):
        assert signals.way_back(stepwise, state(phase, wanted=half), Event.STOP) is Event.STEP_BACK
        assert signals.way_back(plan(), state(phase, wanted=half), Event.STOP) is Event.STOP
        assert signals.way_back(stepwise, state(phase, wanted=WANTED), Event.REGRESSED) is Event.REGRESSED
    for phase in (Phase.LOADING, Phase.PROMOTING):
        assert signals.way_back(stepwise, state(phase, wanted=half), Event.STOP) is Event.STOP


def test_silence_counts_when_the_stage_has_had_its_time_and_nothing_was_heard_for_long(plan, state):
    running = state(Phase.RUNNING, stage=0, stage_since=1000.0)
    long = signals.SILENT_SECONDS + 2 * (5 + 2)
    assert signals.of_silence(plan(), running, 1299.0, 299.0) is None
    assert signals.of_silence(plan(), running, 1300.0, long - 1) is None
    assert signals.of_silence(plan(), running, 1300.0, long).event is Event.ASK
    assert signals.of_silence(plan(), state(Phase.PAUSED, stage=0, stage_since=1000.0), 9999.0, 9999.0) is None


def verdict(call, **more) -> Verdict:
    return Verdict(call, ("A reason.",), 30.0, 20.0, **more)


def test_a_question_is_asked_once_and_only_where_somebody_can_answer_it(plan, state):
    ask = verdict(Call.ASK, asking=("predictions",))
    for phase in (Phase.RUNNING, Phase.HOLDING, Phase.AWAITING_APPROVAL):
        signal = signals.of_verdict(plan(), state(phase), ask)
        assert (signal.event, signal.about) == (Event.ASK, ("predictions",))
    assert signals.of_verdict(plan(), state(Phase.PAUSED), ask) is None
    assert signals.of_verdict(plan(), state(Phase.AWAITING_APPROVAL, asked=("predictions",)), ask) is None
    more = verdict(Call.ASK, asking=("predictions", "split"))
    assert signals.of_verdict(plan(), state(Phase.AWAITING_APPROVAL, asked=("predictions",)), more).about == more.asking


@pytest.mark.parametrize("phase", [Phase.PAUSED, Phase.AWAITING_APPROVAL, Phase.HOLDING])
def test_while_somebody_else_decides_only_what_speaks_against_the_candidate_counts(plan, state, phase):
    for call in (Call.ADVANCE, Call.PASS, Call.INCONCLUSIVE, Call.HOLD):
        assert signals.of_verdict(plan(), state(phase), verdict(call)) is None
    assert signals.of_verdict(plan(), state(phase), verdict(Call.ROLLBACK)).event is Event.REGRESSED


def test_a_fault_counts_when_it_has_lasted_and_the_phase_can_come_to_it(state):
    loading = state(Phase.LOADING, fault_since=100.0)
    assert signals.of_fault(loading, None, 200.0) is None
    assert signals.of_fault(loading, "it does not load", 100.0 + signals.FAULT_GRACE_SECONDS - 0.1) is None
    assert signals.of_fault(loading, "it does not load", 100.0 + signals.FAULT_GRACE_SECONDS).event is Event.UNSERVABLE
    assert signals.of_fault(loading.change(fault_since=None), "it does not load", 200.0) is None
    assert signals.of_fault(loading.change(phase=Phase.ROLLING_BACK), "it does not load", 200.0) is None
