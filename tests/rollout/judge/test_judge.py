"""What the judge says, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tfx_rollout.evidence import LatencyHistogram
from tfx_rollout.evidence.window import PairCounts
from tfx_rollout.rollout import Call, begin, judge, open_stage, plan_from_dict
from tfx_rollout.rollout.judge import delay
from tfx_rollout.traffic import Track


def begun(plan, attempt=0):
    return open_stage(plan, begin(plan, attempt=attempt), 0, at=0.0)


# What it says


def test_a_sound_canary_passes_stage_by_stage(plan, window, folded):
    state, verdict = folded(plan, begun(plan), *(window(i) for i in range(12)))
    assert verdict.call is Call.ADVANCE
    assert verdict.reasons[0] == "Stage 1 of 2 (10 % of the traffic) has passed."
    state = open_stage(plan, state, 1, at=120.0)
    second = [window(i, (500, 0), (500, 0), share=0.5) for i in range(12, 50)]
    state, verdict = folded(plan, state, second[0])
    assert verdict.call is Call.HOLD
    _, verdict = folded(plan, state, *second[1:])
    assert verdict.call is Call.PASS


def test_a_failing_canary_is_rolled_back_with_a_reason_that_a_person_understands(errors_only, window, folded):
    windows = window(0, (103, 2), (927, 0)), window(1, (110, 3), (927, 0))
    _, verdict = folded(errors_only, begun(errors_only), *windows)
    assert verdict.call is Call.ROLLBACK
    against, blame = verdict.reasons
    start = "The canary failed 5 of 213 requests (2.35 %), stable 0 of 1,854 (0 %): the evidence against it is "
    assert against.startswith(start)
    assert against.endswith("(from 20 on it is rolled back), raised in 2 of 2 windows and built up over the last 20 seconds.")
    assert blame.startswith("To blame: errors (evidence ")
    assert verdict.flagged == ("errors",)
    assert verdict.e_value >= verdict.threshold == 20


def test_a_slow_canary_is_rolled_back_for_its_latency(plan, window, folded):
    _, verdict = folded(plan, begun(plan), *(window(i, slower=10) for i in range(30)))
    assert verdict.call is Call.ROLLBACK
    assert "took longer than its limit" in verdict.reasons[0]
    assert verdict.flagged == ("latency",)


def test_a_canary_slower_within_the_slack_is_not(plan, window, folded):
    tolerant = replace(plan, latency=replace(plan.latency, slack_ms=5.0))
    _, verdict = folded(tolerant, begun(tolerant), *(window(i, slower=10) for i in range(30)))
    assert verdict.call is Call.ADVANCE


def test_one_burst_in_one_window_does_not_roll_back(errors_only, window, folded):
    state, verdict = folded(errors_only, begun(errors_only), *(window(i) for i in range(3)), window(3, (100, 4)))
    assert verdict.e_value >= verdict.threshold
    assert verdict.call is Call.HOLD
    assert "another one has to confirm it" in verdict.reasons[0]
    _, verdict = folded(errors_only, state, window(4, (100, 1)))
    assert verdict.call is Call.ROLLBACK


def test_overwhelming_evidence_rolls_back_from_one_window(plan, window, folded):
    _, verdict = folded(plan, begun(plan), window(0, (100, 50)))
    assert verdict.call is Call.ROLLBACK


def test_an_incident_that_hits_both_tracks_does_not_roll_back(plan, window, folded):
    _, verdict = folded(plan, begun(plan), *(window(i, (100, 30), (900, 270)) for i in range(10)))
    assert verdict.call is not Call.ROLLBACK
    assert verdict.e_value < 1


def test_a_stage_without_a_decision_becomes_inconclusive_by_the_clock_of_the_windows(plan, window, folded):
    silent = [window(i, (0, 0), (0, 0)) for i in range(90)]
    state, verdict = folded(plan, begun(plan), *silent[:89])
    assert verdict.call is Call.HOLD
    _, verdict = folded(plan, state, silent[89])
    assert verdict.call is Call.INCONCLUSIVE
    assert verdict.reasons[0] == "Stage 1 of 2 (10 % of the traffic) has had its 900 s and is still undecided."


def test_time_that_does_not_count_puts_the_end_of_a_stage_off(plan, window, folded):
    state, _ = folded(plan, begun(plan), *(window(i, (0, 0), (0, 0)) for i in range(89)))
    _, verdict = folded(plan, delay(state, 60.0), window(89, (0, 0), (0, 0)))
    assert verdict.call is Call.HOLD
    assert delay(begin(plan), 60.0) == begin(plan)


def test_a_canary_that_has_passed_is_still_watched(errors_only, window, folded):
    one_stage = replace(errors_only, stages=errors_only.stages[:1])
    state, verdict = folded(one_stage, begun(one_stage), *(window(i) for i in range(12)))
    assert verdict.call is Call.PASS
    _, verdict = folded(one_stage, state, window(12, (100, 4)), window(13, (100, 4)))
    assert verdict.call is Call.ROLLBACK


def test_a_retry_of_the_same_version_needs_twice_the_evidence(errors_only, window, folded):
    for windows in ([window(i, (100, 1)) for i in range(n)] for n in range(2, 9)):
        _, first = folded(errors_only, begun(errors_only), *windows)
        _, second = folded(errors_only, begun(errors_only, attempt=1), *windows)
        assert first.e_value == second.e_value
        assert second.threshold == 2 * first.threshold == 40
        assert (first.call is Call.ROLLBACK) == (first.e_value >= 20)
        assert (second.call is Call.ROLLBACK) == (second.e_value >= 40)


def test_a_metric_with_weight_zero_neither_rolls_back_nor_gates(errors_only, window, folded):
    _, verdict = folded(errors_only, begun(errors_only), *(window(i, slower=30) for i in range(15)))
    assert verdict.call is Call.ADVANCE
    assert set(verdict.metrics) == {"errors"}
    assert not any(name.startswith("latency") for name in verdict.gates)


def test_a_stage_that_goes_on_says_how_long_at_this_rate(plan, window, folded):
    slow_evidence = replace(plan, stages=tuple(replace(s, max_failure_rate=0.01, max_seconds=7200.0) for s in plan.stages))
    _, verdict = folded(slow_evidence, begun(slow_evidence), *(window(i, (20, 0), (180, 0)) for i in range(10)))
    assert verdict.remaining == "about 2 more minutes at this rate"
    assert verdict.reasons[0] == "Stage 1 of 2 (10 % of the traffic) goes on, for about 2 more minutes at this rate."
    _, silent = folded(slow_evidence, begun(slow_evidence), window(0, (0, 0), (0, 0)))
    assert silent.remaining is None


def test_two_bad_metrics_are_both_to_blame(plan, window, folded):
    windows = [window(i, (100, 5), slower=20) for i in range(60)]
    _, verdict = folded(plan, begun(plan), *windows)
    assert verdict.flagged == ("errors", "latency")
    assert " and latency (evidence " in verdict.reasons[1]


# What it leaves out


def test_windows_before_the_first_stage_only_show_what_stable_is_like(plan, window, folded):
    silent = [window(i, (0, 0), (1000, 3), share=0.0) for i in range(3)]
    state, verdict = folded(plan, begin(plan), *silent)
    assert (verdict.call, verdict.e_value, dict(verdict.gates)) == (Call.HOLD, 1.0, {})
    opened = open_stage(plan, state, 0, at=30.0)
    assert opened.ledger.limit_buckets.tolist() == [[60, 80, 100]]
    state, verdict = folded(plan, opened, window(3))
    assert verdict.metrics["errors"].tests[0].counts.stable == 900
    assert verdict.metrics["latency"].tests[0].counts.canary == 100


def test_without_a_baseline_the_first_windows_of_a_stage_supply_the_limits(plan, window, folded):
    state, verdict = folded(plan, begun(plan), window(0, (10, 0), (100, 0)))
    assert state.ledger.limit_buckets.tolist() == [[-1, -1, -1]]
    assert "Stable has answered 100 of the 200 requests" in verdict.gates["latency p90"].sentence
    state, verdict = folded(plan, state, window(1, (10, 0), (100, 0)))
    assert state.ledger.limit_buckets.tolist() == [[60, 80, 100]]
    assert verdict.metrics["latency"].tests[0].counts.requests == 0


def test_limits_are_corrected_until_stable_has_answered_often_enough_and_again_at_the_next_stage(plan, window, folded):
    slow = LatencyHistogram({200: 900})
    state, _ = folded(plan, begun(plan), window(0), window(1), window(2))
    later = window(3)
    counts = replace(later.counts(Track.STABLE), unit_latency=slow)
    later = replace(later, tracks={**later.tracks, Track.STABLE: counts})
    state, _ = folded(plan, state, later)
    assert state.ledger.limit_buckets.tolist() == [[60, 80, 100]]
    opened = open_stage(plan, state, 1, at=40.0)
    assert opened.ledger.limit_buckets.tolist() == [[80, 200, 200]]
    assert open_stage(plan, opened, 1, at=50.0) == opened


def test_windows_before_the_servers_have_settled_do_not_count_for_latency(plan, window, folded):
    settling = replace(plan, latency=replace(plan.latency, settle_seconds=25.0))
    state, verdict = folded(settling, begun(settling), *(window(i, slower=20) for i in range(3)))
    assert verdict.metrics["latency"].tests[0].counts.requests == 0
    state, verdict = folded(settling, state, window(3))
    assert verdict.metrics["latency"].tests[0].counts.canary == 100


def test_windows_under_another_split_count_for_rollback_but_not_for_passing(plan, window, folded):
    state, verdict = folded(plan, begun(plan), window(0, (250, 1), (750, 0), share=0.25))
    assert state.ledger.stage_windows[0] == 0
    assert not state.ledger.gate_counts.any()
    assert verdict.metrics["errors"].tests[0].counts.canary_bad == 1


def test_a_void_window_changes_nothing(plan, window, folded):
    state, verdict = folded(plan, begun(plan), window(0), window(1, (100, 1)))
    assert judge(plan, state, window(2, (100, 90), void=True)) == (state, verdict)


def test_a_window_number_counts_once(plan, window, folded):
    state, verdict = folded(plan, begun(plan), window(0), window(1, (100, 1)))
    for number in (0, 1):
        assert judge(plan, state, window(number, (100, 90))) == (state, verdict)


def test_opening_the_open_stage_again_changes_nothing(plan, window, folded):
    state, _ = folded(plan, begun(plan), window(0), window(1))
    assert open_stage(plan, state, 0, at=99.0) == state


@pytest.mark.parametrize("stage", [0, 2])
def test_stages_are_opened_forwards_and_within_the_plan(plan, stage):
    state = open_stage(plan, begin(plan), 1, at=0.0)
    with pytest.raises(ValueError, match="cannot follow"):
        open_stage(plan, state, stage, at=10.0)


# Kinds of stages

KINDS = plan_from_dict(
    {
        "stages": [
            {"kind": "shadow", "mirror": 0.5, "min_seconds": 30},
            {"kind": "header", "min_seconds": 30},
            {"share": 0.5, "min_seconds": 30},
            {"kind": "bake", "hold_back": 0.05, "min_seconds": 30},
        ],
        "min_windows": 3,
        "max_failure_rate": 0.05,
        "latency": {"weight": 0},
        "predictions": {"weight": 0},
    }
)


def test_a_shadow_stage_compares_the_copies_and_passes_by_their_evidence(window, folded):
    windows = [window(i, (100, 0), share=0.0, track=Track.SHADOW) for i in range(10)]
    _, verdict = folded(KINDS, begun(KINDS), *windows)
    assert verdict.call is Call.ADVANCE
    assert verdict.reasons[0] == "Stage 1 of 4 (copies of 50 % of the requests) has passed."
    assert verdict.metrics["errors"].tests[0].counts.canary == 1000
    assert "split" not in verdict.guards
    _, verdict = folded(KINDS, begun(KINDS), *(window(i, (100, 9), share=0.0, track=Track.SHADOW) for i in range(3)))
    assert verdict.call is Call.ROLLBACK


def test_pairs_of_copied_requests_with_labels_are_evidence_on_accuracy(window, folded):
    def windows(worse, better):
        pairs = PairCounts(worse=worse, same=100 - worse - better, better=better)
        return [window(i, share=0.0, track=Track.SHADOW, pairs=pairs) for i in range(25)]

    _, verdict = folded(KINDS, begun(KINDS), *windows(8, 2))
    assert verdict.call is Call.ROLLBACK
    assert "Of 2,500 copied requests with labels the canary alone was wrong on 200, stable alone on 50" in verdict.reasons[0]
    _, verdict = folded(KINDS, begun(KINDS), *windows(4, 4))
    assert verdict.metrics["accuracy"].e_value <= 1


def test_evidence_of_the_shadow_stage_is_carried_over(window, folded):
    windows = [window(i, (100, 2), share=0.0, track=Track.SHADOW) for i in range(1)]
    state, verdict = folded(KINDS, begun(KINDS), *windows)
    carried = open_stage(KINDS, state, 1, at=10.0)
    _, after = folded(KINDS, carried, window(1, (0, 0), share=0.0))
    assert after.metrics["errors"].e_value == verdict.metrics["errors"].e_value > 1


def test_a_header_stage_passes_with_time_and_compares_nothing(window, folded):
    state = open_stage(KINDS, begin(KINDS), 1, at=0.0)
    state, verdict = folded(KINDS, state, *(window(i, (20, 20), share=0.0) for i in range(3)))
    assert verdict.call is Call.ADVANCE
    assert set(verdict.gates) == {"time", "suspicion"}
    assert verdict.e_value == 1


def test_a_bake_stage_passes_with_time_unless_something_speaks_against_the_canary(window, folded):
    state = open_stage(KINDS, begin(KINDS), 3, at=0.0)
    _, verdict = folded(KINDS, state, *(window(i, (1, 0), (1, 0), share=0.95) for i in range(3)))
    assert verdict.call is Call.PASS
    assert set(verdict.gates) == {"time", "suspicion"}
    _, verdict = folded(KINDS, state, *(window(i, (950, 60), (50, 0), share=0.95) for i in range(9)))
    assert verdict.call is Call.ROLLBACK
