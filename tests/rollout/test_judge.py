from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.evidence import LatencyHistogram, TrackCounts, Window
from tfx_rollout.rollout import Call, JudgeState, Plan, Verdict, begin, judge, open_stage, plan_from_dict
from tfx_rollout.rollout.assessment import assess
from tfx_rollout.traffic import Split, Track

PLAN = plan_from_dict(
    {
        "stages": [{"share": 0.1, "min_seconds": 30, "max_seconds": 900}, {"share": 0.5, "min_seconds": 30, "max_seconds": 900}],
        "min_windows": 3,
        "min_requests": 100,
        "max_failure_rate": 0.05,
        "latency": {"slack_ms": 0, "settle_seconds": 0},
    }
)
ERRORS_ONLY = replace(PLAN, errors=replace(PLAN.errors, weight=1.0), latency=replace(PLAN.latency, weight=0.0))
QUICK = LatencyHistogram({60: 50, 80: 40, 100: 9, 120: 1})
"""A hundred answers; other numbers of them are multiples."""


def answers(requests: int, latency: LatencyHistogram = QUICK) -> LatencyHistogram:
    return LatencyHistogram({bucket: n * requests // 100 for bucket, n in latency.counts.items()})


def window(number: int, canary=(100, 0), stable=(900, 0), *, split=None, slow: int = 0, **changes) -> Window:
    """Ten seconds; `(requests, failures)` per track; the canary's latency `slow` buckets (5 % each) higher."""
    latency = answers(canary[0])
    counts = {
        Track.CANARY: TrackCounts(*canary, latency=LatencyHistogram({b + slow: n for b, n in latency.counts.items()})),
        Track.STABLE: TrackCounts(*stable, latency=answers(stable[0])),
    }
    split = split or PLAN.stages[0].split
    return replace(Window(number, 10.0 * number, 10.0 * number + 10, split, counts), **changes)


def begun(plan: Plan = PLAN, attempt: int = 0) -> JudgeState:
    return open_stage(plan, begin(plan, attempt=attempt), 0, at=0.0)


def fold(plan: Plan, state: JudgeState, *windows: Window) -> tuple[JudgeState, Verdict]:
    verdict = assess(plan, state)
    for one in windows:
        state, verdict = judge(plan, state, one)
    return state, verdict


# What it says


def test_a_sound_canary_passes_stage_by_stage():
    state, verdict = fold(PLAN, begun(), *(window(i) for i in range(12)))
    assert verdict.call is Call.ADVANCE
    assert verdict.reasons[0] == "Stage 1 of 2 (10 % of the traffic) has passed."
    state = open_stage(PLAN, state, 1, at=120.0)
    second = [window(i, (500, 0), (500, 0), split=PLAN.stages[1].split) for i in range(12, 50)]
    state, verdict = fold(PLAN, state, second[0])
    assert verdict.call is Call.HOLD
    _, verdict = fold(PLAN, state, *second[1:])
    assert verdict.call is Call.PASS


def test_a_failing_canary_is_rolled_back_with_a_reason_that_a_person_understands():
    _, verdict = fold(ERRORS_ONLY, begun(ERRORS_ONLY), window(0, (103, 2), (927, 0)), window(1, (110, 3), (927, 0)))
    assert verdict.call is Call.ROLLBACK
    (reason,) = verdict.reasons
    assert reason.startswith("The canary failed 5 of 213 requests, stable 0 of 1,854 requests: the evidence against it is ")
    assert reason.endswith("(from 20 on it is rolled back), raised in 2 of 2 windows.")
    assert verdict.e_value >= verdict.threshold == 20


def test_a_slow_canary_is_rolled_back_for_its_latency():
    _, verdict = fold(PLAN, begun(), *(window(i, slow=10) for i in range(30)))
    assert verdict.call is Call.ROLLBACK
    assert "took longer than its limit" in verdict.reasons[0]
    assert verdict.metrics["latency"].e_value > verdict.metrics["errors"].e_value


def test_a_canary_slower_within_the_slack_is_not():
    tolerant = replace(PLAN, latency=replace(PLAN.latency, slack_ms=5.0))
    _, verdict = fold(tolerant, begun(tolerant), *(window(i, slow=10) for i in range(30)))
    assert verdict.call is Call.ADVANCE


def test_a_canary_passes_where_neither_track_is_slow_any_more():
    """Limits from a busy time: in the stage no answer of either track exceeds them, so nothing is there to compare."""
    busy = LatencyHistogram({bucket + 60: n for bucket, n in answers(5000).counts.items()})
    before = replace(begin(PLAN), stable_latency=busy)
    state = open_stage(PLAN, before, 0, at=0.0)
    _, verdict = fold(PLAN, state, *(window(i) for i in range(12)))
    assert verdict.gates["latency p99"].passed
    assert verdict.call is Call.ADVANCE


def test_a_canary_slow_in_both_senses_does_not_pass():
    state, _ = fold(PLAN, begun(), *(window(i) for i in range(3)))
    _, verdict = fold(PLAN, state, *(window(i, slow=10) for i in range(3, 9)))
    assert not verdict.gates["latency p90"].passed
    assert verdict.call is not Call.ADVANCE


def test_one_burst_in_one_window_does_not_roll_back():
    state, verdict = fold(ERRORS_ONLY, begun(ERRORS_ONLY), *(window(i) for i in range(3)), window(3, (100, 4)))
    assert verdict.e_value >= verdict.threshold
    assert verdict.call is Call.HOLD
    assert "another one has to confirm it" in verdict.reasons[0]
    _, verdict = fold(ERRORS_ONLY, state, window(4, (100, 1)))
    assert verdict.call is Call.ROLLBACK


def test_overwhelming_evidence_rolls_back_from_one_window():
    _, verdict = fold(PLAN, begun(), window(0, (100, 50)))
    assert verdict.call is Call.ROLLBACK


def test_an_incident_that_hits_both_tracks_does_not_roll_back():
    _, verdict = fold(PLAN, begun(), *(window(i, (100, 30), (900, 270)) for i in range(10)))
    assert verdict.call is not Call.ROLLBACK
    assert verdict.e_value < 1


def test_a_stage_is_not_passed_while_suspicion_is_half_way_to_a_rollback():
    plan = replace(ERRORS_ONLY, stages=tuple(replace(s, max_failure_rate=0.2) for s in ERRORS_ONLY.stages))
    _, verdict = fold(plan, begun(plan), window(0, (100, 1)), window(1, (100, 1)), *(window(i) for i in range(2, 8)))
    assert verdict.call is Call.HOLD
    assert [name for name, gate in verdict.gates.items() if not gate.passed] == ["suspicion"]


@pytest.mark.parametrize(("change", "floor"), [({"min_windows": 50}, "windows"), ({"min_requests": 5000}, "requests")])
def test_floors_hold_a_stage_that_has_its_evidence(change, floor):
    plan = replace(PLAN, **change)
    _, verdict = fold(plan, begun(plan), *(window(i) for i in range(20)))
    assert verdict.call is Call.HOLD
    assert [name for name, gate in verdict.gates.items() if not gate.passed] == [floor]


def test_a_stage_without_a_decision_becomes_inconclusive_by_the_clock_of_the_windows():
    silent = [window(i, (0, 0), (0, 0)) for i in range(90)]
    state, verdict = fold(PLAN, begun(), *silent[:89])
    assert verdict.call is Call.HOLD
    _, verdict = fold(PLAN, state, silent[89])
    assert verdict.call is Call.INCONCLUSIVE
    assert verdict.reasons[0] == "Stage 1 of 2 (10 % of the traffic) has had its 900 s and is still undecided."


def test_a_canary_that_has_passed_is_still_watched():
    plan = replace(ERRORS_ONLY, stages=ERRORS_ONLY.stages[:1])
    state, verdict = fold(plan, begun(plan), *(window(i) for i in range(12)))
    assert verdict.call is Call.PASS
    _, verdict = fold(plan, state, window(12, (100, 4)), window(13, (100, 4)))
    assert verdict.call is Call.ROLLBACK


def test_a_retry_of_the_same_version_needs_twice_the_evidence():
    windows = [window(0, (100, 2)), window(1, (100, 1))]
    _, first = fold(ERRORS_ONLY, begun(ERRORS_ONLY), *windows)
    _, second = fold(ERRORS_ONLY, begun(ERRORS_ONLY, attempt=1), *windows)
    assert (first.call, second.call) == (Call.ROLLBACK, Call.HOLD)
    assert first.e_value == second.e_value


def test_a_metric_with_weight_zero_neither_rolls_back_nor_gates():
    _, verdict = fold(ERRORS_ONLY, begun(ERRORS_ONLY), *(window(i, slow=30) for i in range(15)))
    assert verdict.call is Call.ADVANCE
    assert set(verdict.metrics) == {"errors"}
    assert not any(name.startswith("latency") for name in verdict.gates)


# What it leaves out


def test_windows_before_the_first_stage_only_supply_the_latency_limits():
    silent = [window(i, (0, 0), (1000, 3), split=Split(0)) for i in range(3)]
    state, verdict = fold(PLAN, begin(PLAN), *silent)
    assert (verdict.call, verdict.e_value, dict(verdict.gates)) == (Call.HOLD, 1.0, {})
    opened = open_stage(PLAN, state, 0, at=30.0)
    assert len(opened.limits_us) == 3
    state, verdict = fold(PLAN, opened, window(3))
    assert verdict.metrics["errors"].tests[0].counts.stable == 900
    assert verdict.metrics["latency"].tests[0].counts.canary == 100


def test_without_a_baseline_the_first_windows_of_a_stage_supply_the_limits():
    state, verdict = fold(PLAN, begun(), window(0, (10, 0), (100, 0)))
    assert state.limits_us == ()
    assert "Stable has answered 100 of the 200 requests" in verdict.gates["latency p90"].sentence
    state, _ = fold(PLAN, state, window(1, (10, 0), (100, 0)))
    assert len(state.limits_us) == 3
    assert state.latency[0].counts.requests == 0


def test_windows_before_the_servers_have_settled_do_not_count_for_latency():
    plan = replace(PLAN, latency=replace(PLAN.latency, settle_seconds=25.0))
    state, _ = fold(plan, begun(plan), *(window(i, slow=20) for i in range(3)))
    assert state.latency[0].counts.requests == 0
    state, _ = fold(plan, state, window(3))
    assert state.latency[0].counts.canary == 100


def test_windows_under_another_split_count_for_rollback_but_not_for_passing():
    other = Split(2500)
    state, _ = fold(PLAN, begun(), window(0, (250, 1), (750, 0), split=other))
    assert (state.stage_windows, state.error_gate.counts.requests) == (0, 0)
    assert state.errors.counts.canary_bad == 1


def test_a_void_window_changes_nothing():
    state, verdict = fold(PLAN, begun(), window(0), window(1, (100, 1)))
    assert judge(PLAN, state, window(2, (100, 90), void=True)) == (state, verdict)


def test_a_window_number_counts_once():
    state, verdict = fold(PLAN, begun(), window(0), window(1, (100, 1)))
    for number in (0, 1):
        assert judge(PLAN, state, window(number, (100, 90))) == (state, verdict)


def test_opening_the_open_stage_again_changes_nothing():
    state, _ = fold(PLAN, begun(), window(0), window(1))
    assert open_stage(PLAN, state, 0, at=99.0) == state


@pytest.mark.parametrize("stage", [0, 2])
def test_stages_are_opened_forwards_and_within_the_plan(stage):
    state = open_stage(PLAN, begin(PLAN), 1, at=0.0)
    with pytest.raises(ValueError, match="cannot follow"):
        open_stage(PLAN, state, stage, at=10.0)


# Resume

histograms = st.dictionaries(st.integers(0, 140), st.integers(1, 80), max_size=6).map(LatencyHistogram)


@st.composite
def counted(draw) -> TrackCounts:
    latency = draw(histograms)
    requests = latency.total + draw(st.integers(0, 5))
    return TrackCounts(requests, draw(st.integers(0, requests)), latency=latency)


@st.composite
def rollouts(draw) -> list[Window]:
    windows = []
    for number in range(draw(st.integers(1, 8))):
        tracks = {Track.CANARY: draw(counted()), Track.STABLE: draw(counted())}
        split = draw(st.sampled_from([PLAN.stages[0].split, PLAN.stages[1].split]))
        void = draw(st.integers(0, 9)) == 0
        windows.append(Window(number, 10.0 * number, 10.0 * number + 10, split, tracks, void=void))
    return windows


@settings(max_examples=40, deadline=None)
@given(rollouts(), st.data())
def test_a_judge_killed_after_any_window_goes_on_with_the_same_bits(windows, data):
    opens_second = data.draw(st.integers(0, len(windows)))
    undisturbed = resumed = begun()
    for i, one in enumerate(windows):
        if i == opens_second:
            undisturbed, resumed = (open_stage(PLAN, s, 1, at=one.start) for s in (undisturbed, resumed))
        undisturbed, verdict = judge(PLAN, undisturbed, one)
        resumed = JudgeState.from_json(json.loads(json.dumps(resumed.to_json(), allow_nan=False)))
        again = Window.from_json(json.loads(json.dumps(one.to_json())))
        resumed, same = judge(PLAN, resumed, again)
        repeated, repeat = judge(PLAN, resumed, again)
        assert resumed == repeated == undisturbed
        assert json.dumps(same.to_json(), allow_nan=False) == json.dumps(verdict.to_json()) == json.dumps(repeat.to_json())
        assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


def test_the_state_stays_small():
    rng = np.random.default_rng(1)
    plan = plan_from_dict({"stages": [{"share": 0.01 * 2**i} for i in range(6)]})
    state = open_stage(plan, begin(plan), 0, at=0.0)
    for number in range(200):
        latencies = [LatencyHistogram.of(rng.lognormal(8, 1, n)) for n in (10, 200)]
        tracks = {
            t: TrackCounts(lat.total, 1, latency=lat) for t, lat in zip((Track.CANARY, Track.STABLE), latencies, strict=True)
        }
        state, _ = judge(plan, state, Window(number, 10.0 * number, 10.0 * number + 10, plan.stages[0].split, tracks))
    for stage in range(1, 6):
        state = open_stage(plan, state, stage, at=3000.0)
    assert len(json.dumps(state.to_json())) < 8192
